"""config/backtest.yaml: how a backtest is told and judged; none of it changes what the desk would have done."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from riskdesk_assets.common import strict_yaml
from riskdesk_assets.common.model import StrictModel

FILE = "backtest.yaml"
Criterion = Literal["sharpe_ratio", "total_pnl_net", "return_over_drawdown"]


class WalkForwardSettings(StrictModel):
    """Windows of a walk-forward, in sessions, and what a configuration is chosen by."""

    formation_sessions: int = Field(ge=20)
    trading_sessions: int = Field(ge=1)
    purge_sessions: int = Field(ge=1)
    criterion: Criterion


class BacktestSettings(StrictModel):
    """What a backtest's report looks back over."""

    rolling_sessions: int = Field(ge=2)
    challenger_vol_sessions: int = Field(ge=5, le=252)
    walk_forward: WalkForwardSettings


def load_backtest_settings(config: Path) -> BacktestSettings:
    """The settings of a configuration folder.

    Raises:
        InputError: the file is missing or holds an unusable value.
    """
    return strict_yaml.validate(strict_yaml.load(config / FILE), BacktestSettings)
