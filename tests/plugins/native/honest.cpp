// A library that does what the interface asks for: mean colours of a grid of 4 x 4 cells, as the
// built-in algorithm `colours` makes them, to the last bit. Pictures are shrunk as Pillow does with
// a box filter (weights of 22 bits, rounded after rows and after columns; of pictures over twice as
// high as wide newer versions take the columns first, and cells may be one level apart). Cosines
// are summed one term after another: scores agree with those of `colours` up to the order of sums.
// Of several pictures of an identity it is the mean of their templates.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tatte_interface.hpp"

using namespace TattE;

namespace {

constexpr int CELLS = 4, BITS = 22, VALUES = 3 * CELLS * CELLS;
using Vector = std::vector<double>;

struct Span {
    int first;
    std::vector<int> weights;
};

std::vector<Span> spans(int size) {
    const double scale = static_cast<double>(size) / CELLS, filter = std::max(scale, 1.0);
    const double inverse = 1.0 / filter;  // multiplied by, as Pillow does: the last bit decides
    std::vector<Span> found;
    for (int cell = 0; cell < CELLS; ++cell) {
        const double centre = (cell + 0.5) * scale;
        const int first = std::max(static_cast<int>(centre - 0.5 * filter + 0.5), 0);
        const int end = std::min(static_cast<int>(centre + 0.5 * filter + 0.5), size);
        std::vector<double> shares;
        double sum = 0;
        for (int at = first; at < end; ++at) {
            const double x = (at - centre + 0.5) * inverse;
            shares.push_back(x > -0.5 && x <= 0.5 ? 1.0 : 0.0);
            sum += shares.back();
        }
        Span span{first, {}};
        for (const double share : shares)
            span.weights.push_back(static_cast<int>(0.5 + share / sum * (1 << BITS)));
        found.push_back(span);
    }
    return found;
}

template <typename Value>
int mean(const Span &span, const Value &value) {
    int sum = 1 << (BITS - 1);
    for (size_t i = 0; i < span.weights.size(); ++i)
        sum += value(span.first + static_cast<int>(i)) * span.weights[i];
    return std::clamp(sum >> BITS, 0, 255);
}

// Red, green and blue of each cell, row by row.
std::vector<int> cells_of(const Image &image) {
    const int width = image.width, height = image.height, colours = image.depth / 8;
    const uint8_t *const pixels = image.data.get();
    const std::vector<Span> across = spans(width), down = spans(height);
    std::vector<uint8_t> rows(static_cast<size_t>(height) * CELLS * 3);
    for (int y = 0; y < height; ++y)
        for (int cell = 0; cell < CELLS; ++cell)
            for (int c = 0; c < 3; ++c) {
                const uint8_t *const row = pixels + static_cast<size_t>(y) * width * colours;
                const int colour = colours == 3 ? c : 0;
                rows[(static_cast<size_t>(y) * CELLS + cell) * 3 + c] = static_cast<uint8_t>(
                    mean(across[cell], [&](int x) { return row[x * colours + colour]; }));
            }
    std::vector<int> found;
    for (int cell_y = 0; cell_y < CELLS; ++cell_y)
        for (int cell = 0; cell < CELLS; ++cell)
            for (int c = 0; c < 3; ++c)
                found.push_back(mean(down[cell_y], [&](int y) {
                    return rows[(static_cast<size_t>(y) * CELLS + cell) * 3 + c];
                }));
    return found;
}

Vector template_of(const Image &image) {
    const std::vector<int> cells = cells_of(image);
    Vector found(cells.begin(), cells.end());
    double middle[3] = {0, 0, 0};
    for (int i = 0; i < VALUES; ++i) middle[i % 3] += found[i];
    for (int i = 0; i < VALUES; ++i) found[i] -= middle[i % 3] / (CELLS * CELLS);
    return found;
}

// The share of the largest contrast that there can be: 0 of one shade, 1 of half black, half white.
double contrast_of(const Vector &made) {
    double squares = 0;
    for (const double one : made) squares += one * one;
    return std::min(std::sqrt(squares / VALUES) / 127.5, 1.0);
}

Vector unit(Vector vector) {
    double largest = 0, squares = 0;
    for (const double one : vector) largest = std::max(largest, std::fabs(one));
    if (largest == 0) return vector;
    for (double &one : vector) {
        one /= largest;
        squares += one * one;
    }
    const double length = std::sqrt(squares);
    for (double &one : vector) one /= length;
    return vector;
}

Vector vector_of(const std::vector<uint8_t> &bytes) {
    Vector found(VALUES);
    if (bytes.size() == VALUES * sizeof(double))
        std::memcpy(found.data(), bytes.data(), bytes.size());
    return found;
}

class Honest : public Interface {
public:
    ReturnStatus initializeTemplateCreation(const std::string &, TemplateRole) override {
        std::cout << "honest: ready to make templates" << std::endl;
        return ReturnCode::Success;
    }

    ReturnStatus createTemplate(const std::vector<Image> &tattoos, const TemplateRole &,
                                std::vector<uint8_t> &templ,
                                std::vector<std::vector<BoundingBox>> &boxes,
                                std::vector<double> &quality) override {
        Vector made = template_of(tattoos.at(0));
        for (size_t n = 1; n < tattoos.size(); ++n) {
            const Vector other = template_of(tattoos[n]);
            for (int i = 0; i < VALUES; ++i) made[i] += other[i];
        }
        for (double &one : made) one /= static_cast<double>(tattoos.size());
        templ.resize(VALUES * sizeof(double));
        std::memcpy(templ.data(), made.data(), templ.size());
        boxes.assign(tattoos.size(), {BoundingBox(0, 0, tattoos[0].width, tattoos[0].height)});
        quality.assign(tattoos.size(), contrast_of(made));
        return ReturnCode::Success;
    }

    ReturnStatus finalizeEnrollment(const std::string &, const std::string &folder,
                                    const std::string &edb, const std::string &manifest,
                                    const GalleryType &kind) override {
        const bool joined = kind == GalleryType::Consolidated;
        std::cout << "honest: a gallery of " << (joined ? "identities" : "pictures") << std::endl;
        for (const auto &[from, name] : {std::pair(edb, "edb"), std::pair(manifest, "manifest")}) {
            std::ifstream in(from, std::ios::binary);
            std::ofstream out(folder + "/" + name, std::ios::binary);
            out << in.rdbuf();
            if (!in || !out) return {ReturnCode::EnrollDirError, "cannot copy " + from};
        }
        return ReturnCode::Success;
    }

    ReturnStatus initializeIdentification(const std::string &, const std::string &folder) override {
        std::ifstream manifest(folder + "/manifest"), edb(folder + "/edb", std::ios::binary);
        std::string id;
        for (size_t size = 0, offset = 0; manifest >> id >> size >> offset;) {
            std::vector<uint8_t> bytes(size);
            edb.seekg(static_cast<std::streamoff>(offset));
            auto *const into = reinterpret_cast<char *>(bytes.data());
            if (!edb.read(into, static_cast<std::streamsize>(size)))
                return {ReturnCode::EnrollDirError, "the database is too short"};
            gallery.emplace_back(id, unit(vector_of(bytes)));
        }
        return ReturnCode::Success;
    }

    ReturnStatus identifyTemplate(const std::vector<uint8_t> &templ, const uint32_t length,
                                  std::vector<Candidate> &list) override {
        if (templ.size() != VALUES * sizeof(double))
            return {ReturnCode::TemplateFormatError, "no template of mine"};
        const Vector probe = unit(vector_of(templ));
        for (const auto &[id, reference] : gallery) {
            double sum = 0;
            for (int i = 0; i < VALUES; ++i) sum += probe[i] * reference[i];
            list.emplace_back(true, id, sum);
        }
        std::stable_sort(list.begin(), list.end(), [](const Candidate &a, const Candidate &b) {
            return a.similarityScore > b.similarityScore;
        });
        list.resize(length);
        return ReturnCode::Success;
    }

    ReturnStatus initializeDetection(const std::string &) override { return ReturnCode::Success; }

    // As far as its middle is darker than the rest, a picture shows a tattoo.
    ReturnStatus detectTattoo(const Image &image, bool &detected, double &confidence,
                              std::vector<BoundingBox> &boxes) override {
        const std::vector<int> cells = cells_of(image);
        double inner = 0, outer = 0;
        for (int cell = 0; cell < CELLS * CELLS; ++cell) {
            const int row = cell / CELLS, column = cell % CELLS;
            const bool middle = row % 3 && column % 3;
            for (int c = 0; c < 3; ++c)
                (middle ? inner : outer) += cells[3 * cell + c] / (middle ? 12.0 : 36.0);
        }
        confidence = std::clamp(0.5 + (outer - inner) / 255, 0.0, 1.0);
        detected = confidence >= 0.5;
        const uint16_t wide = std::max(image.width / 2, 1), high = std::max(image.height / 2, 1);
        if (detected) boxes.emplace_back(image.width / 4, image.height / 4, wide, high);
        return ReturnCode::Success;
    }

private:
    std::vector<std::pair<std::string, Vector>> gallery;
};

}  // namespace

std::shared_ptr<Interface> Interface::getImplementation() { return std::make_shared<Honest>(); }
