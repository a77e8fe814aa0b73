"""What a trained model is asked for: outputs, answers in words, text."""
