"""Pages of permission: for staff, and the subscriber's own."""

from __future__ import annotations

from consent.views import (
    access,
    ageing,
    confirm,
    contact_panel,
    embed,
    form_figures,  # noqa: F401 - adds its pages to those of forms
    form_site,  # noqa: F401 - so does this
    forms,
    own_data,  # noqa: F401 - the rest of access.blueprint
    papers,
    preferences,
    register,
    request_page,
    requests,
    statistics,
    stay,
    subscribe,
    suppression_lists,
    suppressions,
    topics,
    unsubscribe,
)

BLUEPRINTS = (
    topics.blueprint,
    forms.blueprint,
    papers.blueprint,
    suppressions.blueprint,
    suppression_lists.blueprint,
    statistics.blueprint,
    ageing.blueprint,
    contact_panel.blueprint,
    requests.blueprint,
    register.blueprint,
    request_page.blueprint,
    subscribe.blueprint,
    embed.blueprint,
    confirm.blueprint,
    preferences.blueprint,
    unsubscribe.blueprint,
    access.blueprint,
    stay.blueprint,
)
