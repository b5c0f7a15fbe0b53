"""Alerts, the board and what Prometheus and Grafana are given, against each other and against the code."""

import configparser
import re
from typing import Any

import pytest
import yaml

from embedded.paths import ROOT
from gateway.services import SERVICES
from gateway.settings import Settings
from tests.repository.checks import REPOSITORIES
from tests.repository.docker.compose import SERVICES_OF_COMPOSE, variable
from tests.repository.observation.expressions import ALERTS, BOARD, FOLDER, GROUPS, expressions, selected
from vision.manifest import Profile

GUIDE = ROOT / "docs" / "observing.md"
GRAFANA = FOLDER / "grafana"


def read(name: str) -> Any:  # noqa: ANN401 - as YAML has it
    return yaml.safe_load((FOLDER / name).read_text())


@pytest.mark.parametrize("place", expressions())
def test_an_expression_is_promql_and_reads_something(place: str) -> None:
    assert selected(expressions()[place])


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        selected("sum by (le) (rate(x[5m])")


def test_rules_have_the_shape_that_prometheus_takes() -> None:
    assert [set(group) for group in GROUPS] == [{"name", "rules"}]
    assert len(ALERTS) == len(GROUPS[0]["rules"])
    for rule in ALERTS.values():
        assert (
            {"alert", "expr", "labels", "annotations"}
            <= set(rule)
            <= {"for", "alert", "expr", "labels", "annotations"}
        )
        assert re.fullmatch(r"\d+[sm]", rule.get("for", "0s"))
        assert set(rule["annotations"]) == {"summary", "runbook_url"}
        assert rule["labels"] in ({"severity": "page"}, {"severity": "warning"})


def test_every_alert_has_its_section_in_the_guide() -> None:
    sections = re.findall(r"^### (\w+)$", GUIDE.read_text(), re.MULTILINE)
    assert sections == list(ALERTS)
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/observing.md#{name.lower()}"


def test_ensembles_and_steps_are_told_apart_by_their_names() -> None:
    text = (FOLDER / "alerts.yml").read_text()
    (pattern,) = set(re.findall(r'model[!=]~"([^"]+)"', text))
    for profile in Profile:
        steps = {name for name in REPOSITORIES[profile].configs if re.fullmatch(pattern, name)}
        assert set(REPOSITORIES[profile].configs) - steps == set(SERVICES)


def test_prometheus_asks_where_the_gateway_and_triton_tell() -> None:
    settings = read("prometheus.yml")
    assert settings["rule_files"] == ["alerts.yml"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in settings["scrape_configs"]}
    port = SERVICES_OF_COMPOSE["gateway"]["environment"][variable("metrics_port")]
    triton_port = Settings.model_construct().triton_metrics_port
    assert targets == {"gateway": [f"gateway:{port}"], "triton": [f"triton:{triton_port}"]}
    mounted = SERVICES_OF_COMPOSE["prometheus"]["volumes"]
    for name in ("prometheus.yml", *settings["rule_files"]):
        assert f"./deploy/observation/{name}:/etc/prometheus/{name}:ro" in mounted


def test_grafana_reads_the_board_and_nobody_can_change_it() -> None:
    (source,) = read("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    (provider,) = read("grafana/provisioning/dashboards/boards.yml")["providers"]
    ini = configparser.ConfigParser()
    ini.read(GRAFANA / "grafana.ini")
    home = ini["dashboards"]["default_home_dashboard_path"]
    assert home == f"{provider['options']['path']}/modelhub.json"
    assert (
        f"./deploy/observation/grafana/boards:{provider['options']['path']}:ro"
        in SERVICES_OF_COMPOSE["grafana"]["volumes"]
    )
    assert source["url"] == "http://prometheus:9090"
    used = {panel["datasource"]["uid"] for panel in BOARD["panels"]}
    assert used == {source["uid"]}
    assert ini["auth.anonymous"]["org_role"] == "Viewer"
    assert ini.getboolean("security", "disable_initial_admin_creation")
    assert ini.getboolean("auth", "disable_login_form")
    assert not ini.getboolean("auth.basic", "enabled")
    assert [provider["allowUiUpdates"], source["editable"], BOARD["editable"]] == [False] * 3


def test_panels_do_not_cover_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
