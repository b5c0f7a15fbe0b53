"""The runner of the pages' blocks, on pages made for it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.paths import ROOT
from gateway.settings import Settings
from tests.documents.blocks import Fate, blocks
from tests.documents.named import faults, missing
from tests.documents.running import environment, moved, run
from tests.documents.shortened import differences, matches, missing_lines

PAGE = """# A page

```sh
echo one; echo two
```

```text
t...o
```

* in a list:

  <!-- needs: docker -->
  ```sh
  docker compose up
  ```

<!-- checked: tests/documents/test_runner.py::test_blocks_are_found_in_order -->
```nginx
server {}
```
"""


def test_blocks_are_found_in_order() -> None:
    found = blocks("page.md", PAGE)
    assert [(block.language, block.line, block.fate) for block in found] == [
        ("sh", 3, Fate.RUN),
        ("text", 7, Fate.COMPARED),
        ("sh", 14, Fate.NAMED),
        ("nginx", 19, Fate.CHECKED),
    ]
    assert found[3].test == ("tests/documents/test_runner.py", "test_blocks_are_found_in_order")


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("make nowhere", "no make target nowhere"),
        ("make export samples PROFILE=full nothing", "no make target nothing"),
        ("python -m bench.nothing", "no module bench.nothing"),
        ("docker build -f deploy/docker/nothing.Dockerfile .", "no file deploy/docker/nothing.Dockerfile"),
        ("docker compose --profile tpu up", "no profile tpu of Compose"),
        ("docker compose logs triton-tpu", "no service triton-tpu of Compose"),
        ("kubectl -n elsewhere get pods", "nothing of Kubernetes is named elsewhere"),
        ("kubectl rollout status deployment/nothing", "nothing of Kubernetes is named nothing"),
    ],
)
def test_a_name_that_is_not_there_is_told(command: str, fault: str) -> None:
    assert missing(command, ROOT) == [fault]


def test_names_that_are_there_are_not_told() -> None:
    assert (
        missing("make export PROFILE=full  # and nothing else\npython -m export.tensorrt build", ROOT) == []
    )
    assert missing("kubectl apply -k deploy/kubernetes/overlays/cpu", ROOT) == []


def test_a_fault_of_syntax_is_told() -> None:
    for text in ("<!-- needs: docker -->\n```sh\nif true\n```", "<!-- needs: torch -->\n```python\nx =\n```"):
        (block,) = blocks("page", text)
        assert faults(block, ROOT)


def test_addresses_are_those_of_the_system() -> None:
    settings = Settings(port=18080, triton_grpc_port=18001)
    text = 'curl http://127.0.0.1:8080/x grpc://localhost:8001 "127.0.0.1:80800"'
    assert moved(text, settings) == 'curl http://127.0.0.1:18080/x grpc://127.0.0.1:18001 "127.0.0.1:80800"'


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    variables = environment(ROOT, None)
    assert run("sh", "echo one | cat; echo $((1 + 1))", tmp_path, variables) == "one\n2\n"
    for command in ("false; true", "false | true", "echo $NOBODY_SET_THIS"):
        with pytest.raises(AssertionError):
            run("sh", command, tmp_path, variables)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run("python", "1 / 0", tmp_path, variables)


NUMBERS = st.floats(-1e6, 1e6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | NUMBERS | st.text(alphabet="abc ."),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_an_answer_is_itself_shortened(answer: object) -> None:
    assert list(differences(answer, answer)) == []


@given(st.lists(NUMBERS, min_size=2), st.data())
def test_a_list_may_be_cut_and_not_changed(came: list[float], data: st.DataObject) -> None:
    length = data.draw(st.integers(1, len(came)))
    shown = came[:length]
    assert list(differences({"numbers": shown}, {"numbers": came})) == []
    index = data.draw(st.integers(0, length - 1))
    shown[index] += 1 + 0.1 * abs(shown[index])
    assert len(list(differences({"numbers": shown}, {"numbers": came}))) == 1
    assert list(differences({"numbers": [*came, 0.0]}, {"numbers": came}))


def test_what_differs_is_told() -> None:
    came = {"request_id": "a", "success": True, "class": 3, "class_probs": {"cat": 0.5, "dog": 0.1}}
    assert list(differences({**came, "request_id": "b", "class_probs": {"dog": 0.1}}, came)) == []
    for shown in (
        {**came, "class": 4},
        {**came, "success": 1},
        {**came, "class_probs": {"cow": 0.5}},
        {"success": True},
        {**came, "more": 1},
        {**came, "class": []},
    ):
        assert list(differences(shown, came)), shown
    assert list(differences([], [1]))


def test_output_may_be_cut() -> None:
    assert matches("pods: 4; ...", "pods: 4; 6 of 3")
    assert not matches("pods: 4", "pods: 4; 6")
    assert missing_lines("b...\n\n  a", "a  \nbcd\n") == []
    assert missing_lines("c", "a\nb") == ["c"]
