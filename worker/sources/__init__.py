"""What the formats that read users' files share: which samples, and those that cannot be had.

    split.py        which samples are for training, which are held out
    lazy.py         samples made one at a time, of files
    labels.py       classes by folder or in a list
    pictures.py     Pillow
    sounds.py       soundfile; log-mel and MFCC features
    texts.py        pieces of text
    vocabulary.py   their units, and numbers for them
"""
