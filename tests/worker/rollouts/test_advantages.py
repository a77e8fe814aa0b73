"""Advantages and returns against their definitions, game by game in plain Python."""

import numpy as np
import pytest

from worker.rollouts.advantages import advantages, episodes

STEPS, GAMES, DISCOUNT, LAMBDA = 25, 6, 0.9, 0.8


@pytest.fixture
def drawn():
    """(rewards, values, next values, ended) at random."""
    random = np.random.default_rng(0)
    return *random.normal(size=(3, STEPS, GAMES)), random.random((STEPS, GAMES)) < 0.2


@pytest.mark.parametrize("sign", [1, -1])
def test_advantages_are_discounted_sums_of_errors_up_to_the_end(drawn, sign):
    rewards, values, next_values, ended = drawn
    found, gamma = advantages(*drawn, DISCOUNT, LAMBDA, sign), sign * DISCOUNT
    errors = rewards + gamma * next_values - values
    for game in range(GAMES):
        for t in range(STEPS):
            end = next((k for k in range(t, STEPS) if ended[k, game]), STEPS - 1)
            assert found[t, game] == pytest.approx(sum((gamma * LAMBDA)**(k - t) * errors[k, game] for k in range(t, end + 1)))


def test_with_lambda_1_they_are_returns_less_values():
    """By hand: rewards 1, 1, 1, then V = 5 beyond; γ = 0.5: 1 + 0.5 + 0.25 + 0.125 · 5 = 2.375."""
    values = np.array([[2.0], [3.0], [4.0]])
    found = advantages(np.ones((3, 1)), values, np.array([[3.0], [4.0], [5.0]]), np.zeros((3, 1), bool), 0.5, 1.0)
    assert found[0, 0] + values[0, 0] == pytest.approx(2.375)


def test_each_step_has_the_return_of_its_whole_episode():
    """By hand: two steps that bring 3, three that bring 6, one that has not ended."""
    rewards, ended = np.array([[1.0, 2, 1, 2, 3, 9]]).T, np.array([[0, 1, 0, 0, 1, 0]], bool).T
    returns, weights = episodes(rewards, ended)
    assert returns.ravel().tolist() == [3, 3, 6, 6, 6, 0]
    assert weights.ravel().tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3, 0])


def test_in_turns_the_return_is_as_the_first_player_sees_it():
    """Three moves, the third wins; then two, the second wins."""
    rewards, ended = np.array([[0.0, 0, 1, 0, 1]]).T, np.array([[0, 0, 1, 0, 1]], bool).T
    assert episodes(rewards, ended, -1)[0].ravel().tolist() == [1, 1, 1, -1, -1]


def test_what_is_given_is_not_written_to(drawn):
    kept = [array.copy() for array in drawn]
    advantages(*drawn, DISCOUNT, LAMBDA)
    episodes(drawn[0], drawn[3])
    assert all(np.array_equal(*pair) for pair in zip(kept, drawn))
