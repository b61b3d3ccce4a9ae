// A library of random scores and failures. What is drawn follows from the pictures, so that the
// same questions get the same answers in any order and in any process.

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

#include "tatte_interface.hpp"

using namespace TattE;

namespace {

constexpr double FAILS = 0.2;

uint32_t sum_of(const uint8_t *data, size_t size, uint32_t seed) {
    for (size_t i = 0; i < size; ++i) seed = (seed ^ data[i]) * 16777619u;
    return seed;
}

double drawn(uint32_t seed) {
    std::mt19937 generator(seed);
    return generator() / 4294967296.0;
}

class Random : public Interface {
public:
    ReturnStatus initializeTemplateCreation(const std::string &, TemplateRole) override {
        return ReturnCode::Success;
    }

    ReturnStatus createTemplate(const std::vector<Image> &tattoos, const TemplateRole &role,
                                std::vector<uint8_t> &templ,
                                std::vector<std::vector<BoundingBox>> &boxes,
                                std::vector<double> &quality) override {
        const Image &image = tattoos.at(0);
        const uint32_t seed = sum_of(image.data.get(), image.size(), 2166136261u);
        boxes.resize(tattoos.size());
        quality.assign(tattoos.size(), drawn(seed));
        if (drawn(seed + 1) < FAILS) return {ReturnCode::TemplateCreationError, "drawn to fail"};
        // Of any length, and longer where it is enrolled.
        templ.assign(8 + seed % 40 + (role == TemplateRole::Enrollment ? 100 : 0), 0);
        std::memcpy(templ.data(), &seed, sizeof seed);
        return ReturnCode::Success;
    }

    ReturnStatus finalizeEnrollment(const std::string &, const std::string &enrolled,
                                    const std::string &edb, const std::string &manifest,
                                    const GalleryType &) override {
        std::ofstream(enrolled + "/edb") << std::ifstream(edb).rdbuf();
        std::ofstream(enrolled + "/manifest") << std::ifstream(manifest).rdbuf();
        return ReturnCode::Success;
    }

    ReturnStatus initializeIdentification(const std::string &,
                                          const std::string &enrolled) override {
        std::ifstream manifest(enrolled + "/manifest"), edb(enrolled + "/edb");
        std::string id;
        for (long size = 0, offset = 0; manifest >> id >> size >> offset;) {
            uint32_t seed = 0;
            edb.seekg(offset);
            edb.read(reinterpret_cast<char *>(&seed), sizeof seed);
            gallery.emplace_back(id, seed);
        }
        return ReturnCode::Success;
    }

    ReturnStatus identifyTemplate(const std::vector<uint8_t> &templ, const uint32_t length,
                                  std::vector<Candidate> &list) override {
        uint32_t seed = 0;
        std::memcpy(&seed, templ.data(), sizeof seed);
        if (drawn(seed + 2) < FAILS) return {ReturnCode::VendorError, "drawn to fail"};
        for (const auto &[id, other] : gallery)
            list.emplace_back(true, id, other == seed ? 2 : drawn(seed ^ (other * 2654435761u)));
        std::sort(list.begin(), list.end(), [](const Candidate &a, const Candidate &b) {
            return a.similarityScore > b.similarityScore;
        });
        list.resize(length);
        return ReturnCode::Success;
    }

    ReturnStatus initializeDetection(const std::string &) override { return ReturnCode::Success; }

    ReturnStatus detectTattoo(const Image &image, bool &detected, double &confidence,
                              std::vector<BoundingBox> &boxes) override {
        const uint32_t seed = sum_of(image.data.get(), image.size(), 2166136261u);
        if (drawn(seed + 1) < FAILS) return {ReturnCode::RefuseInput, "drawn to fail"};
        confidence = drawn(seed);
        detected = confidence >= 0.7;
        if (detected) boxes.emplace_back(0, 0, image.width, image.height);
        return ReturnCode::Success;
    }

private:
    std::vector<std::pair<std::string, uint32_t>> gallery;
};

}  // namespace

std::shared_ptr<Interface> Interface::getImplementation() { return std::make_shared<Random>(); }
