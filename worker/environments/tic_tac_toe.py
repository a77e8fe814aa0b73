"""tic_tac_toe: three in a row on nine fields, played by the policy against itself; looked at against a perfect player.

    opening    games begin with 0 … so many moves at random, so that more than the policy's own lines are seen

x: (3, 3, 2), 1 where the player to move has a mark, and where the other has. forbidden: (9,), 0 for an empty field and −1e9 for
one that is taken: added to the scores, it leaves no probability for these. An action is a field, row by row; who takes a taken
one loses. A win is a reward of 1 for whoever moved, so of −1 for the other.

The perfect player looks at all that can follow (minimax) and takes one of the best moves, by lot; it begins every other game.
It never loses, so the mean return of these games is minus the part of them that the policy has lost.

Source: Russell & Norvig, "Artificial intelligence: a modern approach", section 6.2.
"""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from bpcore import rng
from bpcore.attributes import attribute, to_integer
from bpcore.fields import Batch, Field
from worker.environments import Environment, Games, Moved, Space

LINES = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])
FORBIDDEN = np.float32(-1e9)
MOST_OPENING = 4  # moves that nobody can have won with

Board = tuple[int, ...]  # of the nine fields, 1: of the player to move, −1: of the other, 0: empty


def _opening(value: object) -> int:
    if to_integer(value, 0) > MOST_OPENING:
        raise ValueError
    return int(value)


@dataclass(frozen=True, kw_only=True)
class TicTacToe(Environment):
    opening: int = attribute(f"an integer from 0 to {MOST_OPENING}", _opening, 4)

    alternates: ClassVar[bool] = True

    def space(self):
        return Space({"x": Field((3, 3, 2)), "forbidden": Field((9,))}, 9)

    def games(self, seeds):
        return SelfPlay(seeds, self.opening)

    def contests(self, seeds):
        return AgainstPerfect(seeds)


class SelfPlay(Games):
    """`boards`: (n, 9), as the player to move sees them."""

    def __init__(self, seeds, opening: int = 0):
        self._random, self._opening = rng.stream(int(seeds[0]), rng.GAME), opening
        self.boards = self._begun(len(seeds))

    @property
    def now(self) -> Batch:
        return seen(self.boards)

    def step(self, actions):
        rewards, over = placed(self.boards, actions)
        self.boards = -self.boards
        beyond = self.now
        self.boards[over] = self._begun(int(over.sum()))
        return Moved(rewards, over, np.zeros(len(over), bool), beyond)

    def _begun(self, count: int) -> np.ndarray:
        boards, fields = np.zeros((count, 9), np.int8), self._random.random((count, 9)).argsort(axis=1)
        moves = (self._random.random(count) * (self._opening + 1)).astype(np.int64)
        for move in range(self._opening):
            rows = np.flatnonzero(moves > move)
            boards[rows, fields[rows, move]] = np.where((moves[rows] - move) % 2, -1, 1)  # the last one was the other's
        return boards


class AgainstPerfect(Games):
    """`boards`: as the policy sees them; it moves, and is answered."""

    def __init__(self, seeds):
        self._random, self._begins = rng.stream(int(seeds[0]), rng.GAME), np.arange(len(seeds)) % 2 == 0
        self.boards = np.zeros((len(seeds), 9), np.int8)
        self._answer(~self._begins)

    @property
    def now(self) -> Batch:
        return seen(self.boards)

    def step(self, actions):
        rewards, over = placed(self.boards, actions)
        lost, ended = self._answer(~over)
        rewards, over, beyond = rewards - lost, over | ended, self.now
        self.boards[over] = 0
        self._answer(over & ~self._begins)
        return Moved(rewards, over, np.zeros(len(over), bool), beyond)

    def _answer(self, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The perfect player moves in these games: (1 where that wins, whether that ends the game)."""
        rewards, over = np.zeros(len(where)), np.zeros(len(where), bool)
        for game in np.flatnonzero(where):
            board = -self.boards[game:game + 1]
            best = perfect(tuple(board[0].tolist()))[1]
            move = best[int(self._random.random() * len(best))]
            rewards[game:game + 1], over[game:game + 1] = placed(board, np.array([move]))
            self.boards[game] = -board[0]
        return rewards, over


def seen(boards: np.ndarray) -> Batch:
    marks = np.stack([boards == 1, boards == -1], axis=-1).astype(np.float32)
    return {"x": marks.reshape(-1, 3, 3, 2), "forbidden": np.where(boards == 0, np.float32(0), FORBIDDEN)}


def placed(boards: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Puts the marks of the players to move: (their rewards, whether the games are over)."""
    games = np.arange(len(boards))
    taken = boards[games, actions] != 0
    boards[games, actions] = np.where(taken, boards[games, actions], 1)
    won = (boards[:, LINES].sum(axis=-1) == 3).any(axis=-1) & ~taken
    return won - 1.0 * taken, won | taken | (boards != 0).all(axis=-1)


@cache
def perfect(board: Board) -> tuple[int, tuple[int, ...]]:
    """What the player to move gets (1, 0, −1) where both play as well as can be; the moves that bring it."""
    if any(sum(board[field] for field in line) == -3 for line in LINES.tolist()):
        return -1, ()
    outcomes = {field: -perfect(tuple(-mark for mark in (*board[:field], 1, *board[field + 1:])))[0]
                for field, mark in enumerate(board) if mark == 0}
    best = max(outcomes.values(), default=0)
    return best, tuple(field for field, outcome in outcomes.items() if outcome == best)
