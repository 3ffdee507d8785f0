"""Boards over evaluations: summary, errors by subset, drift, leaderboard, limitations, efficiency, compression."""
