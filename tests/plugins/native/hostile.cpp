// A library that does one thing wrong: what the file `does` of its configuration folder names.

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "tatte_interface.hpp"

using namespace TattE;

namespace {

class Hostile : public Interface {
public:
    ReturnStatus initializeTemplateCreation(const std::string &config, TemplateRole) override {
        return begin(config, "initializeTemplateCreation");
    }

    ReturnStatus createTemplate(const std::vector<Image> &tattoos, const TemplateRole &,
                                std::vector<uint8_t> &templ,
                                std::vector<std::vector<BoundingBox>> &boxes,
                                std::vector<double> &quality) override {
        const Image &image = tattoos.at(0);
        unsigned sum = 0;
        for (size_t i = 0; i < image.size(); ++i) sum = sum * 31 + image.data.get()[i];
        if (does == "leak") {
            for (char *at; (at = static_cast<char *>(std::malloc(1 << 20))); leaked += 1 << 20) {
                for (int i = 0; i < 1 << 20; i += 4096) at[i] = 1;
                if (leaked >= 1L << 30) break;
            }
            if (leaked < 1L << 30) throw std::bad_alloc();
        }
        if (does == "exit") std::exit(0);
        if (does == "quiet exit") std::_Exit(3);
        if (does == "write config") std::ofstream(folder + "/learned") << sum;
        if (does == "no templates" || does == "neither") return ReturnCode::NotImplemented;
        if (does == "blank") return ReturnCode::Success;
        if (does == "refuse") return {ReturnCode::RefuseInput, "not \"this\" one\n\xff"};
        if (does == "no file") return {ReturnCode::InputLocationError, ""};
        if (does == "odd code") return static_cast<ReturnCode>(42);
        for (int i = 0; i < 4; ++i) templ.push_back(static_cast<uint8_t>(sum >> 8 * i));
        boxes.resize(1);
        quality.assign(does == "no quality" ? 0 : 1, 0.75);
        if (does == "NaN quality") quality[0] = std::nan("");
        if (does == "too good") quality[0] = 1.5;
        return ReturnCode::Success;
    }

    ReturnStatus finalizeEnrollment(const std::string &config, const std::string &enrolled,
                                    const std::string &, const std::string &manifest,
                                    const GalleryType &) override {
        begin(config, "finalizeEnrollment");
        if (does == "abort finalising") std::abort();
        if (does == "full disk") return {ReturnCode::EnrollDirError, "no space"};
        std::ofstream(enrolled + "/ids") << std::ifstream(manifest).rdbuf();
        return ReturnCode::Success;
    }

    ReturnStatus initializeIdentification(const std::string &config,
                                          const std::string &enrolled) override {
        std::ifstream ids(enrolled + "/ids");
        enrolment = enrolled;
        count = 0;
        for (std::string line; std::getline(ids, line);) ++count;
        return begin(config, "initializeIdentification");
    }

    ReturnStatus identifyTemplate(const std::vector<uint8_t> &templ, const uint32_t length,
                                  std::vector<Candidate> &list) override {
        ++searches;
        if (does == "crash in search 7" && searches == 7) *static_cast<volatile int *>(nullptr) = 1;
        if (does == "loop") for (volatile int turn = 0;; turn = turn + 1) {}
        if (does == "throw") throw std::runtime_error("no licence");
        if (does == "throw a number") throw 7;
        if (does == "garbage") {
            std::cout << "{\"ok\":true}\n\x01\x02 loading" << std::endl;
            std::printf("{\"candidates\":[]}\n");
        }
        if (does == "write enrolment") std::ofstream(enrolment + "/cache") << searches;
        if (does == "no search") return ReturnCode::NotImplemented;
        if (does == "bad template") return {ReturnCode::TemplateFormatError, "of another"};
        const uint32_t some = does == "3 of 20" ? 3 : does == "too many" ? length + 1 : length;
        const double first = templ[0] + (does == "state" ? 10.0 * searches : 0.0);
        for (uint32_t i = 0; i < some; ++i)
            list.emplace_back(true, std::to_string(i), first - static_cast<double>(i));
        if (does == "unknown") list[1].templateId = std::to_string(count);
        if (does == "no number") list[1].templateId = "one";
        if (does == "twice") list[1].templateId = "0";
        if (does == "unsorted") std::swap(list[0], list[2]);
        if (does == "NaN") list[1].similarityScore = std::nan("");
        if (does == "empty places") list.back() = Candidate();
        return ReturnCode::Success;
    }

    ReturnStatus initializeDetection(const std::string &config) override {
        return begin(config, "initializeDetection");
    }

    ReturnStatus detectTattoo(const Image &, bool &detected, double &confidence,
                              std::vector<BoundingBox> &) override {
        if (does == "no detection" || does == "neither") return ReturnCode::NotImplemented;
        detected = true;
        confidence = does == "NaN" ? std::nan("") : does == "too sure" ? 1.5 : 0.25;
        return ReturnCode::Success;
    }

private:
    ReturnStatus begin(const std::string &config, const std::string &function) {
        folder = config;
        std::getline(std::ifstream(config + "/does"), does);
        if (does == "bad configuration") return {ReturnCode::ConfigError, "no model"};
        if (does == "crash in " + function) std::abort();
        return ReturnCode::Success;
    }

    std::string does, folder, enrolment;
    int searches = 0, count = 0;
    long leaked = 0;
};

}  // namespace

std::shared_ptr<Interface> Interface::getImplementation() { return std::make_shared<Hostile>(); }
