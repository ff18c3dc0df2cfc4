"""The numbers in the words of a lesson: each decimal one is printed by the lesson, or stands in its code, or is listed
here with where it comes from. So a lesson that is executed again cannot keep the old numbers in its sentences.
"""

import re

import nbformat
import pytest

from tools import notebooks

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
ELSEWHERE = {  # topic -> number -> why no output has it
    "start_here": {"3.12": "a version", "2.11": "a version", "6.3": "lesson 04"},
    "autoencoder": {"7.8": "784 bytes times 10,000"},
    "representations": {"5.5": "log 249", "3.5": "a formula: the best loss"},
    "variational": {"1.44": "1 / log 2", "0.005": "a difference of two printed numbers"},
    "gan": {"0.999": "PyTorch's Adam", **dict.fromkeys(["7.1", "5.3", "2.7"], "trained once, said so")},
    "gan_training": {"0.150": "a formula", "0.94": "a formula"},
    "conditional_gan": {"7.8": "lesson 05", "0.47": "lesson 05", "0.15": "a formula", "0.0225": "its square"},
    "forward_diffusion": {
        "0.53": "variance of the pixels",
        "0.15": "a formula: chance",
        "0.45": "a difference of two printed numbers",
        "0.07": "Lin et al.",
    },
    "reverse_diffusion": {
        **dict.fromkeys(["99.5", "0.84", "0.68", "0.009", "0.00005", "0.006"], "a formula"),
        **dict.fromkeys(["13.4", "41.1"], "Song et al."),
        **dict.fromkeys(["0.14", "0.16"], "an example, named as one"),
        "0.9999": "Ho et al.",
        "0.19": "read off the curve of the loss",
        "5.3": "lesson 14",
    },
    "guided_diffusion": {
        **dict.fromkeys(["1.81", "1.40"], "Kynkäänniemi et al."),
        **dict.fromkeys(["0.58", "0.31", "0.17", "0.46", "0.81", "3.7", "0.52"], "a table of the schedule, by formula"),
        "0.995": "lesson 09",
    },
    "flow_matching": {
        **dict.fromkeys(["0.84", "0.66"], "a formula"),
        "3.3": "a theorem's number",
        **dict.fromkeys(["2.24", "2.59", "5.53", "5.88"], "trained once a seed with even times, said so"),
        **dict.fromkeys(["2.06", "1.78", "4.79", "5.14"], "the other seeds of that row"),
        "0.55": "lesson 14",
        **dict.fromkeys(["5.05", "5.85"], "lesson 14: the three trainings"),
    },
    "latent_diffusion": {
        **dict.fromkeys(["0.36", "1.9", "5.6", "6.9"], "measured once, said so"),
        **dict.fromkeys(["6.2", "5.7"], "other seeds"),
        "5.2": "a formula",
        "0.18215": "Stable Diffusion's code",
        "0.75": "a moment of the film",
        "2.7": "measured once with the shipped weights",
    },
    "comparison": {"0.92": "PCA's, for the first of three trainings; the table has their span"},
    "text_to_image": dict.fromkeys(["2.4", "0.07", "1.4"], "counts of weights, in millions, and their quotient"),
}


def values(text):
    """All numbers in a text, without their signs."""
    return [float(word.replace(",", "")) for word in re.findall(NUMBER + r"(?:e[-+]?\d+)?", text)]


def printed(notebook):
    """Numbers that the outputs of a notebook show as text."""
    texts = []
    for output in (output for cell in notebooks.code_cells(notebook) for output in cell.outputs):
        texts.append(output.get("text", ""))
        texts += [data for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return values("\n".join(texts))


def coded(notebook):
    """Numbers that stand in the code of a notebook."""
    return values("\n".join(cell.source for cell in notebooks.code_cells(notebook)))


def said(notebook):
    """Decimal numbers in the sentences of a notebook, up to its references: without formulas, links and code."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").split("## References")[0]
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$|\[[^\]\n]*\]\([^)\n]*\)|`[^`\n]*`", "", text, flags=re.S)
    return re.findall(rf"(?<![\w.:/-]){NUMBER}(?![\w/]|\.\d)", text)


def unfounded(notebook, elsewhere=()):
    """Decimal numbers of the sentences that no output, rounded like them or in per cent, and no code has."""
    shown, code = printed(notebook), coded(notebook)
    wrong = []
    for word in dict.fromkeys(said(notebook)):
        if "." in word and not (shows(shown, word) or float(word.replace(",", "")) in code or word in elsewhere):
            wrong.append(word)
    return wrong


def shows(numbers, word):
    """Whether one of the numbers, rounded like a decimal number in words, or in per cent, is that number."""
    word = word.replace(",", "")
    half = 0.5001 * 10.0 ** -len(word.partition(".")[2])
    return any(min(abs(x - float(word)), abs(100 * x - float(word))) <= half for x in numbers)


@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_numbers_in_sentences_are_those_of_the_outputs(path):
    listed = ELSEWHERE.get(notebooks.topic(path), {})
    notebook = notebooks.read(path)
    assert unfounded(notebook, listed) == []
    missing = unfounded(notebook)
    assert [word for word in listed if word not in missing] == [], "listed, and not needed"


def test_a_number_that_nobody_printed_is_noticed():
    output = nbformat.v4.new_output("stream", text="distance 7.77, share 0.4417\n")
    cell = nbformat.v4.new_code_cell("rate = 0.003", outputs=[output])
    text = "It is 7.8, in 44.2 % or 0.44; the rate 0.003, $x = 1.5$, [2.5](a), `3.5`, 12 of 13. Not 7.9 and 0.45."
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), cell])
    assert unfounded(notebook) == ["7.9", "0.45"]
    assert unfounded(notebook, {"7.9": "a paper"}) == ["0.45"]


@pytest.mark.parametrize("topic", ELSEWHERE)
def test_a_number_of_another_lesson_is_printed_there(topic):
    for word, why in ELSEWHERE[topic].items():
        if found := re.match(r"lesson (\d\d)", why):
            (path,) = notebooks.NOTEBOOKS.glob(f"{found[1]}_*.ipynb")
            page = notebooks.read(path)
            assert shows([*printed(page), *coded(page)], word), word
