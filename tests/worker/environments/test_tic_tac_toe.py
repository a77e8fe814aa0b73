"""Tic-tac-toe by its rules, and the perfect player by what is known of the game."""

import numpy as np
import pytest

from worker.environments.tic_tac_toe import FORBIDDEN, LINES, AgainstPerfect, SelfPlay, TicTacToe, perfect, seen

EMPTY = (0,) * 9
SEEDS = np.arange(6)


def played(moves, games=1):
    """What the moves brought, one after the other, in games from the empty board."""
    found = SelfPlay(SEEDS[:games])
    return found, [found.step(np.full(games, move)) for move in moves]


def test_three_in_a_row_win_and_a_full_board_is_a_draw():
    for line in LINES.tolist():
        others = [field for field in range(9) if field not in line][:2]
        games, found = played([line[0], others[0], line[1], others[1], line[2]])
        assert [(float(step.rewards[0]), bool(step.over[0])) for step in found] == [(0, False)] * 4 + [(1, True)]
        assert not games.boards.any()  # begun anew
    _, draw = played([0, 1, 2, 4, 3, 5, 7, 6, 8])
    assert [bool(step.over[0]) for step in draw] == [False] * 8 + [True] and not any(step.rewards.any() for step in draw)


def test_who_takes_a_taken_field_loses():
    _, (_, second) = played([4, 4])
    assert second.rewards[0] == -1 and second.over[0]


def test_a_board_is_seen_by_whoever_is_to_move():
    games, (step,) = played([4])
    mine, theirs = games.now["x"][0, ..., 0], games.now["x"][0, ..., 1]
    assert not mine.any() and theirs[1, 1] == 1 == theirs.sum()
    assert games.now["forbidden"][0].tolist() == [0] * 4 + [FORBIDDEN] + [0] * 4
    assert np.array_equal(step.beyond["x"], games.now["x"])


def test_openings_have_every_number_of_moves_and_neither_side_has_won():
    games = SelfPlay(np.arange(400), opening=4)
    moves, ahead = np.abs(games.boards).sum(axis=1), games.boards.sum(axis=1)
    assert set(moves.tolist()) == {0, 1, 2, 3, 4}
    assert np.array_equal(ahead, -(moves % 2))  # the other has moved last
    assert len(np.unique(games.boards, axis=0)) > 100


def test_seeds_decide():
    one, same, other = (SelfPlay(seeds, opening=4).boards for seeds in (SEEDS, SEEDS, SEEDS + 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_perfect_play_is_a_draw_from_every_first_move():
    """As every child knows; and of the answers to a corner only the middle does not lose."""
    assert perfect(EMPTY) == (0, tuple(range(9)))
    assert perfect((-1, *EMPTY[1:])) == (0, (4,))


@pytest.mark.parametrize(("board", "outcome", "moves"), [
    ((1, 1, 0, -1, -1, 0, 0, 0, 0), 1, (2,)),  # wins at once
    ((-1, -1, 0, 0, 1, 0, 0, 0, 0), 0, (2,)),  # must stop the other
    ((-1, 0, 0, 0, 1, 0, 0, 0, -1), 0, (1, 3, 5, 7)),  # a corner would lose to a fork
])
def test_the_perfect_player_finds_the_move(board, outcome, moves):
    assert perfect(board) == (outcome, moves)


def test_against_the_perfect_player_the_first_field_that_is_free_loses_and_perfect_play_does_not():
    games = AgainstPerfect(np.arange(40))
    begun = games.boards.any(axis=1)
    assert np.array_equal(begun, np.arange(40) % 2 == 1)
    lost = drawn = 0
    for naive in (True, False):
        games, outcomes = AgainstPerfect(np.arange(40)), np.full(40, np.nan)
        while np.isnan(outcomes).any():
            fields = [int(np.flatnonzero(board == 0)[0]) if naive else perfect(tuple(board.tolist()))[1][0] for board in games.boards]
            step = games.step(np.array(fields))
            outcomes = np.where(np.isnan(outcomes) & step.over, step.rewards, outcomes)
        assert outcomes.max() <= 0  # nobody beats it
        lost, drawn = (int((outcomes == -1).sum()), drawn) if naive else (lost, int((outcomes == 0).sum()))
    assert lost > 20 and drawn == 40


def test_what_is_seen_is_what_is_said():
    space = TicTacToe().space()
    assert {name: field.shape for name, field in space.fields.items()} == {name: array.shape[1:] for name, array in seen(np.zeros((2, 9))).items()}
    assert space.actions == 9
