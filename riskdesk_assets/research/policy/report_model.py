"""The report's model: what it learned feature by feature, and the data and caveats behind it."""

from __future__ import annotations

from riskdesk_assets.reports.page.blocks import Cell, Column, Fact, Facts, Group, Section, Sentences, Table
from riskdesk_assets.reports.page.charts import diverging_bar
from riskdesk_assets.reports.page.numerals import NOTHING, count, plain
from riskdesk_assets.research.policy.report_evidence import basis_points
from riskdesk_assets.research.policy.training import Trained

_WORDS = {
    "abs_zscore": "how far the spread is from its mean, in standard deviations",
    "stretch_change_5": "how much further it went over the last 5 sessions (negative: it is coming back)",
    "expected_reversion_5": "what a unit would earn if z decayed with its half-life for 5 sessions",
    "beta_stability": "standard deviation of the hedge ratio",
    "log_half_life": "logarithm of the half-life in sessions",
    "corr_60": "correlation of the legs' returns",
    "log_no_cross_days": "logarithm of the sessions since the spread last crossed its mean",
    "spread_sd": "standard deviation of the spread",
    "volatility_z": "z-score of the volatility index",
    "dispersion_z": "z-score of the dispersion across names",
}


def learned_section(trained: Trained) -> Section:
    """Coefficients on standardised features, their signs over the refits, and the thresholds."""
    fit, walk = trained.model.fit, trained.walk
    folds = () if walk is None else walk.folds
    largest = max(abs(value) for value in fit.coefficients)
    rows = []
    for place, name in enumerate(fit.features):
        value = fit.coefficients[place]
        seen = [fold.fit.coefficients[place] for fold in folds]
        alike = sum(other * value > 0 for other in seen)
        rows.append(
            [
                Cell(name),
                Cell(basis_points(value)),
                Cell("", drawing=diverging_bar(value, largest)),
                Cell(f"{alike} of {len(seen)}" if seen else NOTHING, "amber" if seen and alike < 0.8 * len(seen) else ""),
                Cell(f"{basis_points(min(seen), 1)} to {basis_points(max(seen), 1)}" if seen else NOTHING),
                Cell(plain(fit.means[place], 4)),
                Cell(plain(fit.sds[place], 4)),
                Cell(_WORDS[name]),
            ]
        )
    columns = [
        Column("Feature", "text"),
        Column("Coefficient"),
        Column("Sign and size", "bar"),
        Column("Same sign"),
        Column("Over the refits"),
        Column("Mean"),
        Column("sd"),
        Column("What it is", "prose"),
    ]
    caption = "Change of the predicted net return per standard deviation of each feature"
    table = Table(
        "coefficients",
        caption,
        "model.json: fit",
        columns,
        rows,
        note="Amber: the sign held in fewer than four of five refits.",
    )
    bounds = fit.thresholds
    facts = Facts(
        "model.json: fit",
        [
            Fact("Intercept", basis_points(fit.intercept), "an average row's prediction"),
            Fact("Half a unit from", basis_points(bounds.half), "predicted, after both ways' costs"),
            Fact("A full unit from", basis_points(bounds.full), "a quantile of the training predictions above 0"),
            Fact("Kept down to", basis_points(bounds.hold), "the mean cost of both ways, already half paid"),
            Fact("Ridge lambda", plain(fit.ridge_lambda, 0), "in rows; the intercept is not penalised"),
            Fact("Features cut at", f"{fit.clip:g} sd", "so that no outlier decides"),
        ],
    )
    lead = (
        f"A linear prediction of the net return of a unit reversion position over {trained.model.horizon} sessions. It chooses "
        "nothing, half a unit or a full one of the reversion side, and never more than the baseline's limits allow."
    )
    return Section("learned", "What it learned", [table, facts], lead)


def data_section(trained: Trained) -> Section:
    """The rows it was fitted on, and what the verdict cannot say."""
    model, data = trained.model, trained.model.data
    facts = Facts(
        "training_set.parquet",
        [
            Fact("Prices", data.source),
            Fact("Rows learned from", count(data.rows), f"{data.first} to {data.last}"),
            Fact("Pairs", count(len(data.pairs))),
            Fact("Trained through", str(model.trained_through)),
            Fact("Horizon and purge", f"{model.horizon} and {model.purge}", "sessions"),
            Fact("Tickets played", count(len(trained.inputs.tickets)), "their rules, without first and last day"),
        ],
    )
    groups = [
        Group("Pairs", "", [", ".join(pair.replace("__", " / ") for pair in data.pairs)]),
        Group("What this cannot say", "", _caveats(trained)),
    ]
    return Section("data", "Data and caveats", [facts, Sentences("model.json: data", groups)])


def _caveats(trained: Trained) -> list[str]:
    settings = trained.inputs.config.desk.policy.promotion
    chance = 1.0 - settings.confidence
    a_year = 1.0 - settings.confidence**12
    return [
        f"Many looks: one worthless policy passes one such bound with a chance of {chance:.0%}; twelve independent tries a "
        f"year would let one through in {a_year:.0%} of the years. Retrainings share most of their data, so the true figure is "
        "lower, but every change of features, lambda or thresholds made after looking at this page is another look at the same "
        "sessions.",
        "The rows of one session share the market and those of one pair overlap in time: their number overstates what is "
        "known. The bootstrap resamples whole sessions in blocks for that reason.",
        "The names are those of today's universe: a name that disappeared is not in the training data.",
        "Costs are the desk's rates with half spreads and borrow. The legs are brought to today's hedge ratio every session, "
        "by both controllers; the desk's guards trade less often.",
        "Judged are units before limits and optimizer. A book that is at its limits most days leaves less of any difference.",
    ]
