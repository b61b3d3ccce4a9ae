"""Programs that speak the line protocol, as `harness new program` writes them; each works as it is.

Both make mean colours of a grid of cells, compare them by cosine, search with them, and take a
picture for a tattoo as far as its middle is darker than the rest.
"""

from __future__ import annotations

from string import Template

PYTHON = Template('''\
#!/usr/bin/env python3
"""${title}: say here what is new about it.

It speaks the line protocol of tattoo-harness (`harness describe --line-protocol`): a question is a
line of JSON on standard input, an answer a line of JSON on standard output, and where a line has a
number of "bytes", as many raw bytes follow it. Standard error is for people.
"""

import json
import math
import struct
import sys

HELLO = {
    "name": "${name}",
    "version": "1",
    "protocol": 1,
    # With "search" in the place of "compare" the harness asks for candidate lists.
    "abilities": ["compare", "detect"],
    "parameters": [
        {"name": "cells", "type": "int", "default": 4, "minimum": 1, "maximum": 32,
         "meaning": "Cells along each side of the grid."}
    ],
    "about": "Mean colours of a grid of cells: replace it with your idea.",
}


class Refused(Exception):
    """No answer for this one picture: it is counted as a failure, never dropped."""


def means(pixels, width, height, cells):
    """Return red, green and blue of every cell, row by row."""
    found = []
    for row in range(cells):
        top = row * height // cells
        bottom = max(top + 1, (row + 1) * height // cells)
        for column in range(cells):
            left = column * width // cells
            right = max(left + 1, (column + 1) * width // cells)
            sums = [0, 0, 0]
            for y in range(min(top, height - 1), bottom):
                line = pixels[3 * (y * width + left) : 3 * (y * width + right)]
                for colour in range(3):
                    sums[colour] += sum(line[colour::3])
            area = (bottom - min(top, height - 1)) * (right - left)
            found += [value / area for value in sums]
    return found


def template(pixels, width, height, cells):
    """Return the bytes by which two pictures are compared."""
    found = means(pixels, width, height, cells)
    middle = sum(found) / len(found)
    found = [value - middle for value in found]
    if not any(found):
        raise Refused("the picture has one shade only")
    return struct.pack(f"<{len(found)}d", *found)


def cosine(one, other):
    """Return how alike two templates are."""
    a, b = (struct.unpack(f"<{len(part) // 8}d", part) for part in (one, other))
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b)) / lengths if lengths else 0.0


def detection(pixels, width, height):
    """Return how surely a picture shows a tattoo: from 0.5 on the answer is yes."""
    grid = means(pixels, width, height, 4)
    light = [sum(grid[3 * i : 3 * i + 3]) for i in range(16)]
    inner = sum(light[i] for i in (5, 6, 9, 10)) / 4
    outer = (sum(light) - 4 * inner) / 12
    return 0.5 + (outer - inner) / (outer + inner + 1e-9)


class Program:
    """What the program knows between questions."""

    def __init__(self):
        self.cells = 4
        self.references = {}
        self.gallery = []

    def answer(self, question, data):
        """Return the answer to a question, and the bytes that follow it."""
        asked = question["do"]
        if asked == "hello":
            return HELLO, b""
        if asked == "prepare":
            self.cells = question["parameters"]["cells"]
            return {"ok": True}, b""
        if asked in ("template", "enrol"):
            made = template(data, question["width"], question["height"], self.cells)
            return {"bytes": len(made), "type": "float64"}, made
        if asked == "reference":
            self.references[question["number"]] = data
            return {"ok": True}, b""
        if asked == "compare":
            scores = [cosine(data, self.references[i]) for i in question["references"]]
            return {"scores": scores}, b""
        if asked == "finalise":
            self.gallery = [self.references[i] for i in range(question["count"])]
            return {"ok": True}, b""
        if asked == "search":
            scored = [(cosine(data, one), i) for i, one in enumerate(self.gallery)]
            scored.sort(key=lambda pair: (-pair[0], pair[1]))
            best = scored[: question["length"]]
            return {"candidates": [[i, score] for score, i in best]}, b""
        if asked == "detect":
            return {"score": detection(data, question["width"], question["height"])}, b""
        if asked == "goodbye":
            return {"ok": True}, b""
        return {"failure": "unsupported", "message": f"what is {asked!r}?"}, b""


def main():
    """Answer until there is no more."""
    program, come, go = Program(), sys.stdin.buffer, sys.stdout.buffer
    while line := come.readline():
        question = json.loads(line)
        data = come.read(question.get("bytes", 0))
        try:
            said, made = program.answer(question, data)
        except Refused as reason:
            said, made = {"failure": "refused", "message": str(reason)}, b""
        go.write(json.dumps(said).encode() + b"\\n" + made)
        go.flush()
        if question["do"] == "goodbye":
            break


if __name__ == "__main__":
    main()
''')

CPP = Template("""\
// ${title}: say here what is new about it.
//
//     g++ -std=c++17 -O2 -o ${name} ${name}.cpp
//
// It speaks the line protocol of tattoo-harness (harness describe --line-protocol): a question is a
// line of JSON on standard input, an answer a line of JSON on standard output, and where a line has
// a number of "bytes", as many raw bytes follow it. Standard error is for people.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using Bytes = std::vector<unsigned char>;

// With "search" in the place of "compare" the harness asks for candidate lists.
static const char *const HELLO =
    "{\\"name\\":\\"${name}\\",\\"version\\":\\"1\\",\\"protocol\\":1,"
    "\\"abilities\\":[\\"compare\\",\\"detect\\"],"
    "\\"parameters\\":[{\\"name\\":\\"cells\\",\\"type\\":\\"int\\",\\"default\\":4,\\"minimum\\":1,"
    "\\"maximum\\":32,\\"meaning\\":\\"Cells along each side of the grid.\\"}],"
    "\\"about\\":\\"Mean colours of a grid of cells: replace it with your idea.\\"}";

// No answer for this one picture: it is counted as a failure, never dropped.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Where the value of a key begins in a line that the harness wrote, or null. The keys of a question
// are few and known, and its texts hold no quotation marks, so this is enough.
static const char *value(const std::string &line, const char *key) {
    const std::string wanted = std::string("\\"") + key + "\\":";
    const size_t at = line.find(wanted);
    return at == std::string::npos ? nullptr : line.c_str() + at + wanted.size();
}

static long number(const std::string &line, const char *key, long otherwise = 0) {
    const char *const at = value(line, key);
    return at ? std::strtol(at, nullptr, 10) : otherwise;
}

static std::string text(const std::string &line, const char *key) {
    const char *const at = value(line, key);
    if (!at || *at != '"') return "";
    return std::string(at + 1, std::strchr(at + 1, '"'));
}

static std::vector<long> numbers(const std::string &line, const char *key) {
    std::vector<long> found;
    const char *at = value(line, key);
    if (!at || *at != '[') return found;
    for (++at; *at && *at != ']';) {
        char *end;
        found.push_back(std::strtol(at, &end, 10));
        at = *end == ',' ? end + 1 : end;
    }
    return found;
}

// Red, green and blue of every cell, row by row.
static std::vector<double> means(const Bytes &pixels, long width, long height, long cells) {
    std::vector<double> found;
    for (long row = 0; row < cells; ++row) {
        const long top = std::min(row * height / cells, height - 1);
        const long bottom = std::max(top + 1, (row + 1) * height / cells);
        for (long column = 0; column < cells; ++column) {
            const long left = std::min(column * width / cells, width - 1);
            const long right = std::max(left + 1, (column + 1) * width / cells);
            double sums[3] = {0, 0, 0};
            for (long y = top; y < bottom; ++y)
                for (long x = left; x < right; ++x)
                    for (int colour = 0; colour < 3; ++colour)
                        sums[colour] += pixels[3 * (y * width + x) + colour];
            for (const double sum : sums) found.push_back(sum / ((bottom - top) * (right - left)));
        }
    }
    return found;
}

static std::vector<double> make_template(const Bytes &pixels, long width, long height, long cells) {
    std::vector<double> found = means(pixels, width, height, cells);
    double middle = 0;
    for (const double one : found) middle += one / found.size();
    bool any = false;
    for (double &one : found) {
        one -= middle;
        any = any || std::fabs(one) > 1e-9;
    }
    if (!any) throw Refused("the picture has one shade only");
    return found;
}

static double cosine(const std::vector<double> &a, const std::vector<double> &b) {
    double product = 0, one = 0, other = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        product += a[i] * b[i];
        one += a[i] * a[i];
        other += b[i] * b[i];
    }
    return one > 0 && other > 0 ? product / std::sqrt(one * other) : 0.0;
}

// How surely a picture shows a tattoo: from 0.5 on the answer is yes.
static double detection(const Bytes &pixels, long width, long height) {
    const std::vector<double> grid = means(pixels, width, height, 4);
    double inner = 0, outer = 0;
    for (int cell = 0; cell < 16; ++cell) {
        const double light = grid[3 * cell] + grid[3 * cell + 1] + grid[3 * cell + 2];
        const bool middle = cell == 5 || cell == 6 || cell == 9 || cell == 10;
        (middle ? inner : outer) += light / (middle ? 4 : 12);
    }
    return 0.5 + (outer - inner) / (outer + inner + 1e-9);
}

// 17 digits say a double exactly.
static std::string shown(double score) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.17g", score);
    return digits;
}

static void say(const std::string &line, const std::vector<double> &made = {}) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\\n', stdout);
    if (!made.empty()) std::fwrite(made.data(), sizeof(double), made.size(), stdout);
    std::fflush(stdout);
}

static std::vector<double> vector_of(const Bytes &data) {
    std::vector<double> found(data.size() / sizeof(double));
    if (!found.empty()) std::memcpy(found.data(), data.data(), found.size() * sizeof(double));
    return found;
}

static bool read_line(std::string &line) {
    line.clear();
    for (int c; (c = std::fgetc(stdin)) != EOF && c != '\\n';) line.push_back(static_cast<char>(c));
    return !line.empty();
}

int main() {
    long cells = 4;
    std::map<long, std::vector<double>> references;
    std::vector<std::vector<double>> gallery;
    std::string line;
    while (read_line(line)) {
        const std::string asked = text(line, "do");
        Bytes data(static_cast<size_t>(number(line, "bytes")));
        if (std::fread(data.data(), 1, data.size(), stdin) != data.size()) return 1;
        const long width = number(line, "width"), height = number(line, "height");
        try {
            if (asked == "hello") {
                say(HELLO);
            } else if (asked == "prepare") {
                cells = number(line, "cells", 4);
                say("{\\"ok\\":true}");
            } else if (asked == "template" || asked == "enrol") {
                const std::vector<double> made = make_template(data, width, height, cells);
                const std::string size = std::to_string(made.size() * sizeof(double));
                say("{\\"bytes\\":" + size + ",\\"type\\":\\"float64\\"}", made);
            } else if (asked == "reference") {
                references[number(line, "number")] = vector_of(data);
                say("{\\"ok\\":true}");
            } else if (asked == "compare") {
                std::string scores;
                for (const long one : numbers(line, "references"))
                    scores += (scores.empty() ? "" : ",")
                              + shown(cosine(vector_of(data), references.at(one)));
                say("{\\"scores\\":[" + scores + "]}");
            } else if (asked == "finalise") {
                gallery.clear();
                for (long i = 0; i < number(line, "count"); ++i)
                    gallery.push_back(references.at(i));
                say("{\\"ok\\":true}");
            } else if (asked == "search") {
                std::vector<std::pair<double, long>> scored;
                for (size_t i = 0; i < gallery.size(); ++i)
                    scored.emplace_back(-cosine(vector_of(data), gallery[i]), static_cast<long>(i));
                std::sort(scored.begin(), scored.end());
                const size_t length = static_cast<size_t>(number(line, "length"));
                if (scored.size() > length) scored.resize(length);
                std::string list;
                for (const auto &[negative, place] : scored)
                    list += (list.empty() ? "[" : ",[") + std::to_string(place) + ","
                            + shown(-negative) + "]";
                say("{\\"candidates\\":[" + list + "]}");
            } else if (asked == "detect") {
                say("{\\"score\\":" + shown(detection(data, width, height)) + "}");
            } else if (asked == "goodbye") {
                say("{\\"ok\\":true}");
                return 0;
            } else {
                say("{\\"failure\\":\\"unsupported\\",\\"message\\":\\"not known\\"}");
            }
        } catch (const Refused &reason) {
            const std::string why = reason.what();
            say("{\\"failure\\":\\"refused\\",\\"message\\":\\"" + why + "\\"}");
        }
    }
    return 0;
}
""")

LANGUAGES = {"python": (".py", PYTHON), "cpp": (".cpp", CPP)}
"""Ending and text of a program, by its language."""
