"""Who may what in Superset: two roles for readers, put back to what stands here at each set-up, and rules on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VIEWER = "Viewer"
OPERATIONAL = "Operational reader"
ADMIN = "Admin"

# To look at dashboards, filter them, drill into them, put questions of one's own to a dataset, and take a chart's rows
# away. Nothing that is kept, no SQL Lab, no database: what is not here, Superset refuses.
READING = [
    ("can_read", "Dashboard"),
    ("can_dashboard", "Superset"),
    ("can_read", "Chart"),
    ("can_slice", "Superset"),
    ("can_explore_json", "Superset"),
    ("can_explore", "Superset"),
    ("can_read", "Explore"),
    ("can_read", "ExploreFormDataRestApi"),
    ("can_write", "ExploreFormDataRestApi"),
    ("can_read", "Dataset"),
    ("can_get_drill_info", "Dataset"),
    ("can_get", "Datasource"),
    ("can_samples", "Datasource"),
    ("can_get_column_values", "Datasource"),
    ("can_external_metadata", "Datasource"),
    ("can_drill", "Dashboard"),
    ("can_view_chart_as_table", "Dashboard"),
    ("can_view_query", "Dashboard"),
    ("can_csv", "Superset"),
    ("can_time_range", "Api"),
    ("can_query", "Api"),
    ("can_query_form_data", "Api"),
    ("can_read", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_read", "DashboardPermalinkRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_dashboard_permalink", "Superset"),
    ("can_read", "Theme"),
    ("can_read", "CssTemplate"),
    ("can_read", "CurrentUserRestApi"),
    ("can_read", "AvailableDomains"),
    ("can_read", "Annotation"),
    ("can_recent_activity", "Log"),
    ("can_log", "Superset"),
    ("can_userinfo", "UserDBModelView"),
    ("resetmypassword", "UserDBModelView"),
    ("can_this_form_get", "ResetMyPasswordView"),
    ("can_this_form_post", "ResetMyPasswordView"),
    ("can_get", "MenuApi"),
    ("menu_access", "Home"),
    ("menu_access", "Dashboards"),
    ("menu_access", "Datasets"),
]


@dataclass(frozen=True)
class RowRule:
    """A condition on the rows of datasets: for the roles named, or (`for_all_but`) for everybody else."""

    name: str
    why: str
    clause: str
    roles: tuple[str, ...]
    for_all_but: bool


# Of all datasets on the connection with names.
ROW_RULES = [
    RowRule(
        "names are for operational readers",
        "Whoever else is given one of these datasets, by mistake or as an administrator, sees no row of it.",
        "1 = 0",
        (OPERATIONAL,),
        for_all_but=True,
    ),
    RowRule(
        "names of the hundred alone",
        "The mart names everybody who is ranked; who works the list needs the names that stand on it.",
        "offender_key in (select offender_key from mart.top_100)",
        (OPERATIONAL,),
        for_all_but=False,
    ),
]


def grant(security: Any, role_name: str, datasets: list[Any]) -> Any:
    """Make a role what it is here: reading, and these datasets. Gives the role.

    Raises KeyError for a permission that this version of Superset does not have.
    """
    role = security.add_role(role_name)
    wanted = [*READING, *(("datasource_access", dataset.perm) for dataset in datasets)]
    found = {pair: security.find_permission_view_menu(*pair) for pair in wanted}
    missing = [pair for pair, permission in found.items() if permission is None]
    if missing:
        raise KeyError(f"Superset knows no permission {missing}: see READING in {__file__}")
    role.permissions = list(found.values())
    return role
