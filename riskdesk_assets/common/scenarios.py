"""What the scenarios are told: config/scenarios.yaml, parametric shocks and stretches of history to live through again."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from riskdesk_assets.common.model import StrictModel


class ParametricScenario(StrictModel):
    """Named shocks, as returns (-0.2 is a fall of 20%), by factor, sector, industry group, fragility class and name.

    A name's own shock wins; else the shocks of every set it is in add up, with exposure x shock of every shocked factor.
    ``correlation_to_one`` moves every correlation that far toward 1 instead: the loss is then the volatility of the book
    times the multiple ``volatility_multiple``, under the moved correlations.
    """

    scenario_id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    description: str = Field(min_length=1)
    factors: dict[str, float] = Field(default_factory=dict)
    sectors: dict[str, float] = Field(default_factory=dict)
    groups: dict[str, float] = Field(default_factory=dict)
    fragility: dict[str, float] = Field(default_factory=dict)
    names: dict[str, float] = Field(default_factory=dict)
    correlation_to_one: float | None = Field(default=None, gt=0, le=1)
    volatility_multiple: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_kind(self) -> ParametricScenario:
        shocks = (self.factors, self.sectors, self.groups, self.fragility, self.names)
        if (self.correlation_to_one is None) != (self.volatility_multiple is None):
            raise ValueError("correlation_to_one and volatility_multiple belong together")
        if (self.correlation_to_one is not None) == any(shocks):
            raise ValueError("a scenario is either shocks (factors, sectors, groups, fragility, names) or correlation_to_one")
        for shock in shocks[1:]:
            for member, size in shock.items():
                if not -1 <= size <= 10:
                    raise ValueError(f"the shock of {member} is {size}: a return is from -1 to 10")
        return self


class HistoricalScenario(StrictModel):
    """The returns from the close before ``start`` to the close of ``end``, both dates NYSE sessions or days between them."""

    scenario_id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    description: str = Field(min_length=1)
    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> HistoricalScenario:
        if self.end < self.start:
            raise ValueError(f"the scenario ends on {self.end}, before it starts on {self.start}")
        return self


class Scenarios(StrictModel):
    """config/scenarios.yaml.

    ``margin_sessions``: a name without a bar at an end of a stretch of history is priced by its last one at most that many
    sessions earlier.
    """

    margin_sessions: int = Field(default=5, ge=0, le=20)
    parametric: list[ParametricScenario] = Field(default_factory=list)
    historical: list[HistoricalScenario] = Field(default_factory=list)

    @model_validator(mode="after")
    def _distinct(self) -> Scenarios:
        ids = [scenario.scenario_id for scenario in self.parametric] + [scenario.scenario_id for scenario in self.historical]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"scenario_id {', '.join(twice)} is used more than once")
        return self
