// The binary interface of NIST's Tatt-E 2025, version 0.1, declared in our own words.
//
// Names, types, values and the order of virtual functions are those that libraries are built
// against; what they mean is written down in NIST's API document. `--param header=FILE` has the
// driver compiled against NIST's own file in the place of this one.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace TattE {

struct Image {
    enum class ImageType { Tattoo = 0, Sketch = 1, Unknown = 2 };

    uint16_t width{0};
    uint16_t height{0};
    uint8_t depth{24};  // bits of a pixel: 8 or 24
    ImageType imageType{ImageType::Tattoo};
    std::shared_ptr<uint8_t> data{};  // row by row, of colours red first

    Image() = default;
    Image(uint16_t w, uint16_t h, uint8_t bits, std::shared_ptr<uint8_t> &pixels, ImageType type)
        : width{w}, height{h}, depth{bits}, imageType{type}, data{pixels} {}

    size_t size() const { return static_cast<size_t>(width) * height * (depth / 8u); }
};

enum class TemplateRole { Enrollment = 0, Identification = 1 };

struct BoundingBox {
    uint16_t x{0};
    uint16_t y{0};
    uint16_t width{0};
    uint16_t height{0};

    BoundingBox() = default;
    BoundingBox(uint16_t left, uint16_t top, uint16_t wide, uint16_t high)
        : x{left}, y{top}, width{wide}, height{high} {}
};

enum class ReturnCode {
    Success = 0,
    ConfigError = 1,
    ImageTypeNotSupported = 2,
    RefuseInput = 3,
    ExtractError = 4,
    ParseError = 5,
    TemplateCreationError = 6,
    EnrollDirError = 7,
    NumDataError = 8,
    TemplateFormatError = 9,
    InputLocationError = 10,
    VendorError = 11,
    NotImplemented = 12
};

struct ReturnStatus {
    ReturnCode code{ReturnCode::Success};
    std::string info{};

    ReturnStatus() = default;
    ReturnStatus(ReturnCode said, const std::string &why = "") : code{said}, info{why} {}
};

enum class GalleryType { Consolidated = 0, Unconsolidated = 1 };

struct Candidate {
    bool isAssigned{false};
    std::string templateId{};
    double similarityScore{-1.0};

    Candidate() = default;
    Candidate(bool assigned, std::string id, double score)
        : isAssigned{assigned}, templateId{std::move(id)}, similarityScore{score} {}
};

class Interface {
public:
    virtual ~Interface() = default;

    virtual ReturnStatus initializeTemplateCreation(
        const std::string &configDir, TemplateRole role) = 0;

    virtual ReturnStatus createTemplate(
        const std::vector<Image> &tattoos, const TemplateRole &role, std::vector<uint8_t> &templ,
        std::vector<std::vector<BoundingBox>> &boundingBoxes, std::vector<double> &quality) = 0;

    virtual ReturnStatus finalizeEnrollment(
        const std::string &configDir, const std::string &enrollmentDir, const std::string &edbName,
        const std::string &edbManifestName, const GalleryType &galleryType) = 0;

    virtual ReturnStatus initializeIdentification(
        const std::string &configDir, const std::string &enrollmentDir) = 0;

    virtual ReturnStatus identifyTemplate(
        const std::vector<uint8_t> &idTemplate, const uint32_t candidateListLength,
        std::vector<Candidate> &candidateList) = 0;

    virtual ReturnStatus initializeDetection(const std::string &configDir) = 0;

    virtual ReturnStatus detectTattoo(
        const Image &inputImage, bool &tattooDetected, double &confidence,
        std::vector<BoundingBox> &boundingBoxes) = 0;

    static std::shared_ptr<Interface> getImplementation();
};

// Libraries define these two; whoever loads them declares them alone.
#ifdef NIST_EXTERN_API_VERSION
extern uint16_t API_MAJOR_VERSION;
extern uint16_t API_MINOR_VERSION;
#else
uint16_t API_MAJOR_VERSION{0};
uint16_t API_MINOR_VERSION{1};
#endif

}  // namespace TattE
