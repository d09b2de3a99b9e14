"""Free memory: Linux' own table, a container's limit, neither."""

from residency.data.memory import available_memory


def test_the_table_of_memory(tmp_path):
    table = tmp_path / "meminfo"
    table.write_text("MemTotal: 9000 kB\nMemAvailable:    2000 kB\n")
    assert available_memory(table, tmp_path) == 2000 * 1024


def test_the_limit_of_a_container(tmp_path):
    table = tmp_path / "meminfo"
    table.write_text("MemAvailable: 2000 kB\n")
    (tmp_path / "memory.max").write_text("100000\n")
    (tmp_path / "memory.current").write_text("30000\n")
    assert available_memory(table, tmp_path) == 70_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(table, tmp_path) == 2000 * 1024


def test_without_a_table(tmp_path):
    assert available_memory(tmp_path / "none", tmp_path) > 0
