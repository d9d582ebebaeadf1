"""Permissions in Superset: two roles for readers, reset to this file at each set-up."""

from __future__ import annotations

from typing import Any

VIEWER = "Viewer"
OPERATIONAL = "Operational reader"
ADMIN = "Admin"

# Allows readers to open dashboards, filter them, drill into them, explore a dataset and download a chart's rows. Superset
# refuses everything else: saving, SQL Lab, databases.
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


def is_operational(security: Any, user: Any) -> bool:
    """Returns whether names are for this user."""
    return OPERATIONAL in {role.name for role in security.get_user_roles(user)}


def grant(security: Any, role_name: str, datasets: list[Any]) -> None:
    """Sets a role to READING and these datasets.

    Raises KeyError for a permission that this version of Superset does not have.
    """
    role = security.add_role(role_name)
    wanted = [*READING, *(("datasource_access", dataset.perm) for dataset in datasets)]
    found = {pair: security.find_permission_view_menu(*pair) for pair in wanted}
    missing = [pair for pair, permission in found.items() if permission is None]
    if missing:
        raise KeyError(f"Superset knows no permission {missing}: see READING in {__file__}")
    role.permissions = list(found.values())
