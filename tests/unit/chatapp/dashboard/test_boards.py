from chatapp.dashboard import boards
from chatapp.dashboard.boards import Chart


def charts(layout):
    return {chart["title"]: [line["label"] for line in chart["lines"]] for chart in layout["charts"]}


def test_names_of_series_say_what_is_drawn_where():
    layout = boards.layout("garden", ["garden.soil.bed-2", "garden.soil.bed-1", "garden.light-level", "garden"])
    assert layout["title"] == "Garden"
    assert charts(layout) == {"Garden": ["Garden"], "Light level": ["Light level"], "Soil": ["bed-1", "bed-2"]}


def test_a_board_gives_titles_units_and_an_order(monkeypatch):
    monkeypatch.setattr(boards, "registry", {})
    boards.board("garden", "My garden", {"wind": Chart("Wind", "m/s"), "rain": Chart("Rain"), "sun": Chart("Sun")})
    layout = boards.layout("garden", ["garden.apples", "garden.rain", "garden.wind"])
    assert layout["title"] == "My garden"
    assert [(chart["title"], chart["unit"]) for chart in layout["charts"]] == [
        ("Wind", "m/s"),
        ("Rain", ""),
        ("Apples", ""),
    ]


def test_more_series_than_a_page_can_show_are_counted():
    layout = boards.layout("many", ["many.c%d" % number for number in range(60)])
    assert len(layout["charts"]) == boards.SHOWN_LIMIT
    assert layout["left_out"] == 10
