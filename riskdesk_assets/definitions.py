"""What Dagster loads: every asset, check, job, schedule, sensor and resource of the desk."""

from dagster import Definitions, in_process_executor, load_asset_checks_from_modules, load_assets_from_modules

from riskdesk_assets.alerts.sensors import SENSORS as ALERT_SENSORS
from riskdesk_assets.common.resources import DeskResource, WarehouseResource
from riskdesk_assets.construction import assets as construction
from riskdesk_assets.construction import checks as construction_checks
from riskdesk_assets.features import assets as features
from riskdesk_assets.features import checks as feature_checks
from riskdesk_assets.jobs import JOBS
from riskdesk_assets.limits import assets as limits
from riskdesk_assets.limits import checks as limit_checks
from riskdesk_assets.market import assets as market
from riskdesk_assets.reports import assets as reports
from riskdesk_assets.research import assets as research
from riskdesk_assets.research.policy import assets as policy
from riskdesk_assets.research.policy import checks as policy_checks
from riskdesk_assets.risk_model import assets as risk_model
from riskdesk_assets.schedules import SCHEDULES
from riskdesk_assets.strategy import assets as strategy
from riskdesk_assets.strategy.sensors import ticket_folder_sensor

defs = Definitions(
    assets=load_assets_from_modules([market, features, risk_model, limits, strategy, construction, reports, research, policy]),
    asset_checks=load_asset_checks_from_modules([feature_checks, construction_checks, limit_checks, policy_checks]),
    jobs=JOBS,
    schedules=SCHEDULES,
    sensors=[ticket_folder_sensor, *ALERT_SENSORS],
    # Also for what is launched from the UI: a process per step would cost seconds of imports each.
    executor=in_process_executor,
    resources={"desk": DeskResource(), "duckdb": WarehouseResource()},
)
