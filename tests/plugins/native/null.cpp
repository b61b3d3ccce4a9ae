// A library that does the least: a template of one byte, lists in the order of the manifest, and no
// detection.

#include <fstream>

#include "tatte_interface.hpp"

using namespace TattE;

namespace {

class Null : public Interface {
public:
    ReturnStatus initializeTemplateCreation(const std::string &, TemplateRole) override {
        return ReturnCode::Success;
    }

    ReturnStatus createTemplate(const std::vector<Image> &tattoos, const TemplateRole &,
                                std::vector<uint8_t> &templ,
                                std::vector<std::vector<BoundingBox>> &boxes,
                                std::vector<double> &quality) override {
        templ.assign(1, 0);
        boxes.resize(tattoos.size());
        quality.assign(tattoos.size(), 0);
        return ReturnCode::Success;
    }

    ReturnStatus finalizeEnrollment(const std::string &, const std::string &enrolled,
                                    const std::string &, const std::string &manifest,
                                    const GalleryType &) override {
        std::ofstream(enrolled + "/manifest") << std::ifstream(manifest).rdbuf();
        return ReturnCode::Success;
    }

    ReturnStatus initializeIdentification(const std::string &,
                                          const std::string &enrolled) override {
        std::ifstream manifest(enrolled + "/manifest");
        std::string id, size, offset;
        while (manifest >> id >> size >> offset) ids.push_back(id);
        return ReturnCode::Success;
    }

    ReturnStatus identifyTemplate(const std::vector<uint8_t> &, const uint32_t length,
                                  std::vector<Candidate> &list) override {
        for (uint32_t i = 0; i < length; ++i) list.emplace_back(true, ids.at(i), 0.0);
        return ReturnCode::Success;
    }

    ReturnStatus initializeDetection(const std::string &) override {
        return ReturnCode::NotImplemented;
    }

    ReturnStatus detectTattoo(const Image &, bool &, double &,
                              std::vector<BoundingBox> &) override {
        return ReturnCode::NotImplemented;
    }

private:
    std::vector<std::string> ids;
};

}  // namespace

std::shared_ptr<Interface> Interface::getImplementation() { return std::make_shared<Null>(); }
