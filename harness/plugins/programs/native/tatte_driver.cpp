// Loads a library that keeps to NIST's Tatt-E interface, and speaks the line protocol for it.
//
//     tatte-driver LIBRARY
//
// Whatever the library does is done in processes of its own, as NIST drives it: one is forked for
// each stage (templates to enrol, templates to search with, finalising, searching, detecting), has
// the library initialised, and forks the one that answers. Whoever answers reads the questions, and
// hands one that belongs to another stage up to the first process, so that pictures go through one
// pipe only. The library's standard output is the log.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <elf.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define NIST_EXTERN_API_VERSION
#ifdef TATTE_HEADER
#include TATTE_HEADER
#else
#include "tatte_interface.hpp"
#endif

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

namespace {

constexpr int MAJOR = 0, MINOR = 1;  // of the interface that is spoken here
constexpr size_t LONGEST_MESSAGE = 1500;
constexpr int LONGEST_SURVEY = 25000;  // milliseconds: what takes longer is implemented,
constexpr rlim_t LARGEST_SURVEY = 384 << 20;  // and what takes more bytes

const char *const FACTORY = "_ZN5TattE9Interface17getImplementationEv";
const char *const VERSIONS[] = {
    "_ZN5TattE17API_MAJOR_VERSIONE", "_ZN5TattE17API_MINOR_VERSIONE"};

const char *const CODES[] = {
    "Success", "ConfigError", "ImageTypeNotSupported", "RefuseInput", "ExtractError", "ParseError",
    "TemplateCreationError", "EnrollDirError", "NumDataError", "TemplateFormatError",
    "InputLocationError", "VendorError", "NotImplemented"};

const std::map<int, std::string> SIGNALS = {
    {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGILL, "SIGILL"},
    {SIGKILL, "SIGKILL"}, {SIGPIPE, "SIGPIPE"}, {SIGSEGV, "SIGSEGV"}, {SIGTERM, "SIGTERM"},
    {SIGTRAP, "SIGTRAP"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};

int questions = -1, answers = -1;

// What stands in the place of an answer.
struct Failure {
    const char *code;
    std::string message;
};

[[noreturn]] void fail(const std::string &message, const char *code = "failed") {
    throw Failure{code, message};
}

// Lines

bool read_fully(int from, void *into, size_t size) {
    for (auto *at = static_cast<uint8_t *>(into); size;) {
        const ssize_t got = read(from, at, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size -= static_cast<size_t>(got);
    }
    return true;
}

void write_fully(int to, const void *data, size_t size) {
    for (auto *at = static_cast<const uint8_t *>(data); size;) {
        const ssize_t put = write(to, at, size);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) _exit(1);  // nobody is there any more
        at += put;
        size -= static_cast<size_t>(put);
    }
}

// A line without its end; empty where there is no more.
std::string read_line(int from) {
    std::string line;
    for (char one; read_fully(from, &one, 1) && one != '\n';) line.push_back(one);
    return line;
}

void say(std::string line, const Bytes &data = {}) {
    line += '\n';
    write_fully(answers, line.data(), line.size());
    if (!data.empty()) write_fully(answers, data.data(), data.size());
}

std::string quoted(const std::string &text) {
    std::string found = "\"";
    for (const char one : text.substr(0, LONGEST_MESSAGE)) {
        if (one == '"' || one == '\\') found += '\\';
        found += one >= ' ' && one < 127 ? one : one == '\n' || one == '\t' ? ' ' : '?';
    }
    return found + '"';
}

void say_failure(const Failure &failure) {
    const std::string code = failure.code;
    say("{\"failure\":\"" + code + "\",\"message\":" + quoted(failure.message) + "}");
}

// Where the value of a key begins in a line that the harness wrote, or null. Quotation marks within
// texts are escaped there, so that no text looks like a key.
const char *value(const std::string &line, const char *key) {
    const std::string wanted = std::string("\"") + key + "\":";
    const size_t at = line.find(wanted);
    return at == std::string::npos ? nullptr : line.c_str() + at + wanted.size();
}

size_t number(const std::string &line, const char *key) {
    const char *const at = value(line, key);
    return at ? std::strtoull(at, nullptr, 10) : 0;
}

std::string text(const std::string &line, const char *key) {
    const char *at = value(line, key);
    std::string found;
    if (!at || *at != '"') return found;
    for (++at; *at && *at != '"'; ++at) {
        if (*at != '\\') {
            found += *at;
        } else if (*++at == 'u') {
            fail("a text holds the control character \\u" + std::string(at + 1, 4), "parameter");
        } else {
            found += *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == 'r' ? '\r' : *at;
        }
    }
    return found;
}

std::string shown(double score) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.17g", score);
    return digits.data();
}

// Remove a folder, whatever in it is read-only.
void remove_folder(const fs::path &folder) {
    std::error_code ignored;
    fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, ignored);
    for (auto one = fs::recursive_directory_iterator(folder, ignored);
         one != fs::recursive_directory_iterator(); one.increment(ignored))
        if (one->is_directory(ignored) && !one->is_symlink(ignored))
            fs::permissions(one->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    fs::remove_all(folder, ignored);
}

// The library

struct Library {
    std::string path;
    void *handle{nullptr};

    std::string name() const { return fs::path(path).stem().string(); }
};

std::string elf_header(const std::string &path) {
    std::string found(sizeof(ElfW(Ehdr)), '\0');
    FILE *const file = std::fopen(path.c_str(), "rb");
    if (!file) fail("cannot be read: " + std::string(std::strerror(errno)) + ": " + path);
    found.resize(std::fread(&found[0], 1, found.size(), file));
    std::fclose(file);
    return found;
}

void check_kind(const std::string &path) {
    if (!fs::is_regular_file(path)) fail("there is no library " + path);
    const std::string head = elf_header(path), own = elf_header("/proc/self/exe");
    const bool is_elf = head.size() >= 20 && head.compare(0, SELFMAG, ELFMAG) == 0;
    uint16_t type = 0, machine = 0, here = 0;
    if (is_elf) {
        std::memcpy(&type, head.data() + offsetof(Elf64_Ehdr, e_type), sizeof type);
        std::memcpy(&machine, head.data() + offsetof(Elf64_Ehdr, e_machine), sizeof machine);
        std::memcpy(&here, own.data() + offsetof(Elf64_Ehdr, e_machine), sizeof here);
    }
    const bool alike =
        is_elf && head[EI_CLASS] == own[EI_CLASS] && head[EI_DATA] == own[EI_DATA];
    if (is_elf && (!alike || machine != here)) {
        fail(path + " was built for another kind of processor (ELF machine "
             + std::to_string(machine) + ", class " + std::to_string(head[EI_CLASS])
             + "; this machine is " + std::to_string(here) + ", class "
             + std::to_string(own[EI_CLASS]) + "); ask for a build for this one");
    }
    if (!is_elf || type != ET_DYN) {
        fail(path + " is no shared library; a submission is a file lib...so, linked with -shared");
    }
}

// Names of dynamic symbols, those that it defines and those that it needs.
std::vector<std::string> symbols_of(void *handle) {
    link_map *map = nullptr;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !map) return {};
    const auto at = [map](ElfW(Addr) place) {
        return reinterpret_cast<const void *>(place < map->l_addr ? place + map->l_addr : place);
    };
    const ElfW(Sym) *table = nullptr;
    const char *names = nullptr;
    const uint32_t *old_hash = nullptr, *hash = nullptr;
    for (const ElfW(Dyn) *one = map->l_ld; one->d_tag != DT_NULL; ++one) {
        const auto place = one->d_un.d_ptr;
        if (one->d_tag == DT_SYMTAB) table = static_cast<const ElfW(Sym) *>(at(place));
        if (one->d_tag == DT_STRTAB) names = static_cast<const char *>(at(place));
        if (one->d_tag == DT_HASH) old_hash = static_cast<const uint32_t *>(at(place));
        if (one->d_tag == DT_GNU_HASH) hash = static_cast<const uint32_t *>(at(place));
    }
    if (!table || !names) return {};
    uint32_t count = 0;
    if (old_hash) {
        count = old_hash[1];
    } else if (hash) {
        const uint32_t buckets = hash[0], first = hash[1], words = hash[2];
        const auto *const bucket = hash + 4 + words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
        const auto *const chain = bucket + buckets;
        count = first;
        for (uint32_t i = 0; i < buckets; ++i) {
            uint32_t last = bucket[i];
            if (last < first) continue;
            while (!(chain[last - first] & 1)) ++last;
            count = std::max(count, last + 1);
        }
    }
    std::vector<std::string> found;
    for (uint32_t i = 1; i < count; ++i) found.emplace_back(names + table[i].st_name);
    return found;
}

bool any_holds(const std::vector<std::string> &names, std::initializer_list<const char *> parts) {
    for (const std::string &name : names)
        for (const char *const part : parts)
            if (name.find(part) != std::string::npos) return true;
    return false;
}

std::string why_not_loaded(const std::string &path, const std::string &said) {
    const auto has = [&said](const char *part) { return said.find(part) != std::string::npos; };
    const std::string version = gnu_get_libc_version();
    if (has("GLIBC_") && has("not found"))
        return path + " needs a newer glibc than this machine's " + version
               + "; have it built on an older system, or use a newer one here: " + said;
    if ((has("GLIBCXX_") || has("CXXABI_")) && has("not found"))
        return path + " needs a newer libstdc++ than this machine has; install a newer g++ here, "
               + "or have it built with an older one: " + said;
    if (has("position-independent executable"))
        return path + " is no shared library but a program; one is linked with -shared";
    if (has("cannot open shared object file"))
        return path + " needs a library that is not here; put it beside, link with "
               + "-Wl,-rpath,'$ORIGIN', or name its folder in LD_LIBRARY_PATH: " + said;
    if (has("undefined symbol")) return path + " uses a function that nothing defines: " + said;
    return path + " cannot be loaded: " + said;
}

// Load it and say what it is, or throw what stands against it.
void load(Library &library) {
    const std::string &path = library.path;
    check_kind(path);
    library.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library.handle) fail(why_not_loaded(path, dlerror()));
    const std::vector<std::string> names = symbols_of(library.handle);
    if (!dlsym(library.handle, FACTORY)) {
        if (any_holds(names, {"IdentificationInterface", "DetectAndLocalizeInterface"}))
            fail(path + " keeps to the Tatt-E interface of 2016 (IdentificationInterface, "
                 "DetectAndLocalizeInterface); this driver takes that of 2025, version 0.1");
        fail(path + " does not define TattE::Interface::getImplementation() (symbol " + FACTORY
             + "); define it, and do not hide it (-fvisibility)");
    }
    std::array<int, 2> version{};
    for (size_t i = 0; i < version.size(); ++i) {
        const void *const at = dlsym(library.handle, VERSIONS[i]);
        if (!at)
            fail(path + " does not say which version of the interface it keeps to (symbol "
                 + VERSIONS[i] + "): include tatte.h in one file without NIST_EXTERN_API_VERSION");
        uint16_t said = 0;
        std::memcpy(&said, at, sizeof said);
        version[i] = said;
    }
    if (version[0] != MAJOR || version[1] != MINOR)
        fail(path + " keeps to version " + std::to_string(version[0]) + "."
             + std::to_string(version[1]) + " of the Tatt-E interface; this driver takes "
             + std::to_string(MAJOR) + "." + std::to_string(MINOR));
    if (!any_holds(names, {"__cxx11"})) {
        if (any_holds(names, {"_ZNSs", "_ZNKSs", "ERKSs", "_ZSs"}))
            fail(path + " was built with the old strings of libstdc++; build it with "
                 "-D_GLIBCXX_USE_CXX11_ABI=1");
        if (any_holds(names, {"NSt3__1", "NKSt3__1"}))
            fail(path + " was built with libc++, whose strings are others; build it with "
                 "libstdc++");
    }
}

// Calls

// What the library is being asked for, seen by all processes.
struct Shared {
    char function[64];
    bool meant;  // a process of a stage ended since it had to
} *shared = nullptr;

// Folders that must not change, and what changed in them.
int watch = -1;
std::map<int, std::string> watched;

void watch_folder(const std::string &folder) {
    if (watch < 0) return;
    constexpr uint32_t CHANGES = IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO;
    const int one = inotify_add_watch(watch, folder.c_str(), CHANGES);
    if (one >= 0) watched[one] = folder;
    std::error_code ignored;
    for (const auto &inner : fs::directory_iterator(folder, ignored))
        if (inner.is_directory(ignored) && !inner.is_symlink(ignored))
            watch_folder(inner.path().string());
}

void unwatch(const std::string &folder) {
    for (auto one = watched.begin(); one != watched.end();) {
        const bool below = one->second.compare(0, folder.size(), folder) == 0;
        if (below) inotify_rm_watch(watch, one->first);
        one = below ? watched.erase(one) : std::next(one);
    }
}

void check_unchanged(const std::string &function) {
    if (watch < 0) return;
    alignas(inotify_event) std::array<char, 4096> events{};
    ssize_t got = 0;
    while ((got = read(watch, events.data(), events.size())) > 0) {
        for (const char *at = events.data(); at < events.data() + got;) {
            const auto *const event = reinterpret_cast<const inotify_event *>(at);
            at += sizeof(inotify_event) + event->len;
            const auto folder = watched.find(event->wd);
            if (event->mask & IN_IGNORED || folder == watched.end()) continue;
            const std::string file = event->len ? "/" + std::string(event->name) : "";
            fail(function + " wrote into a folder that is read-only: " + folder->second + file);
        }
    }
}

// Call the library, and judge what it returns. Codes that are about one picture or one search are
// refusals, which are counted; others fail the run.
void call(const char *function, bool about_one, const std::function<TattE::ReturnStatus()> &does) {
    std::snprintf(shared->function, sizeof shared->function, "%s", function);
    TattE::ReturnStatus status;
    std::string thrown;
    try {
        status = does();
    } catch (const std::exception &reason) {
        thrown = std::string(" threw an exception: ") + reason.what();
    } catch (...) {
        thrown = " threw what is no std::exception";
    }
    std::fflush(nullptr);
    shared->function[0] = '\0';
    if (!thrown.empty()) fail(function + thrown);
    check_unchanged(function);
    const int code = static_cast<int>(status.code);
    if (code == 0) return;
    const std::string name = function;
    if (code < 0 || code > 12)
        fail(name + " returned " + std::to_string(code) + ", which is no return code");
    const std::string more = status.info.empty() ? "" : ": " + status.info;
    const std::string said = name + " returned " + CODES[code] + more;
    if (status.code == TattE::ReturnCode::NotImplemented) fail(said, "unsupported");
    const bool fatal = status.code == TattE::ReturnCode::ConfigError
                       || status.code == TattE::ReturnCode::EnrollDirError
                       || status.code == TattE::ReturnCode::InputLocationError;
    fail(said, about_one && !fatal ? "refused" : "failed");
}

std::shared_ptr<TattE::Interface> implementation(const Library &library) {
    using Factory = std::shared_ptr<TattE::Interface> (*)();
    Factory factory = nullptr;
    void *const at = dlsym(library.handle, FACTORY);
    std::memcpy(&factory, &at, sizeof factory);
    std::shared_ptr<TattE::Interface> found;
    call("getImplementation", false, [&] {
        found = factory();
        return TattE::ReturnStatus(TattE::ReturnCode::Success);
    });
    if (!found) fail("getImplementation returned no object");
    return found;
}

// What is set and kept

struct Settings {
    std::string config;
    TattE::Image::ImageType type{TattE::Image::ImageType::Tattoo};
    TattE::GalleryType gallery{TattE::GalleryType::Unconsolidated};
};

struct Place {
    size_t offset, size;
};

struct Gallery {
    fs::path folder;  // of one gallery, in ours
    int count{0};     // of galleries so far
    FILE *edb{nullptr};
    size_t written{0};
    std::map<size_t, Place> places;

    std::string enrolled() const { return (folder / "enrolled").string(); }
    std::string edb_file() const { return (folder / "edb").string(); }
    std::string manifest() const { return (folder / "manifest").string(); }
};

Library library;
Settings settings;
Gallery gallery;
fs::path home;  // a folder of ours
pid_t guardian = -1;
size_t candidates_of = 0;

// Stages

enum Stage { Enrolling, Probing, Searching, Detecting, Stages, None };

Stage stage_of(const std::string &asked) {
    if (asked == "enrol") return Enrolling;
    if (asked == "template") return Probing;
    if (asked == "search") return Searching;
    return asked == "detect" ? Detecting : None;
}

struct Child {
    pid_t pid{0};
    int down{-1}, up{-1};
};

std::array<Child, Stages> children;

Bytes payload(const std::string &line) {
    Bytes data(number(line, "bytes"));
    if (!read_fully(questions, data.data(), data.size())) _exit(0);
    return data;
}

TattE::Image picture(size_t width, size_t height, const uint8_t *data) {
    if (width > UINT16_MAX || height > UINT16_MAX)
        fail("the picture has " + std::to_string(width) + " x " + std::to_string(height)
             + " pixels; the interface takes sides of 65,535", "refused");
    const size_t size = 3 * width * height;
    std::shared_ptr<uint8_t> pixels(new uint8_t[size], std::default_delete<uint8_t[]>());
    std::memcpy(pixels.get(), data, size);
    return TattE::Image(static_cast<uint16_t>(width), static_cast<uint16_t>(height), 24, pixels,
                        settings.type);
}

// The pictures of a question: that of its keys, and those of one identity that are there besides.
std::vector<TattE::Image> pictures(const std::string &line, const Bytes &data) {
    std::vector<std::array<size_t, 2>> sizes{{number(line, "width"), number(line, "height")}};
    if (const char *at = value(line, "more"))
        for (++at; *at == '[' || *at == ','; ++at) {
            if (*at == ',') continue;
            char *end = nullptr;
            const size_t width = std::strtoull(at + 1, &end, 10);
            if (*end != ',') break;
            sizes.push_back({width, std::strtoull(end + 1, &end, 10)});
            at = end;
        }
    size_t whole = 0;
    for (const auto &[width, height] : sizes) whole += 3 * width * height;
    if (whole != data.size())
        fail("the pictures have " + std::to_string(data.size()) + " bytes, and their sizes say "
             + std::to_string(whole));
    std::vector<TattE::Image> found;
    const uint8_t *at = data.data();
    for (const auto &[width, height] : sizes) {
        found.push_back(picture(width, height, at));
        at += 3 * width * height;
    }
    return found;
}

void initialise(TattE::Interface &library_of, Stage stage) {
    using TattE::TemplateRole;
    switch (stage) {
    case Enrolling:
    case Probing:
        call("initializeTemplateCreation", false, [&] {
            return library_of.initializeTemplateCreation(
                settings.config,
                stage == Enrolling ? TemplateRole::Enrollment : TemplateRole::Identification);
        });
        break;
    case Searching:
        call("initializeIdentification", false, [&] {
            return library_of.initializeIdentification(settings.config, gallery.enrolled());
        });
        break;
    default:
        call("initializeDetection", false,
             [&] { return library_of.initializeDetection(settings.config); });
    }
}

void make_template(TattE::Interface &library_of, Stage stage, const std::string &line,
                   const Bytes &data) {
    const std::vector<TattE::Image> images = pictures(line, data);
    Bytes made;
    std::vector<std::vector<TattE::BoundingBox>> boxes;
    std::vector<double> quality;
    const TattE::TemplateRole role =
        stage == Enrolling ? TattE::TemplateRole::Enrollment : TattE::TemplateRole::Identification;
    call("createTemplate", true,
         [&] { return library_of.createTemplate(images, role, made, boxes, quality); });
    if (made.empty())
        fail("createTemplate returned Success and a template of 0 bytes", "refused");
    std::string more;
    for (const double one : quality)
        if (!(one >= 0 && one <= 1))
            fail("createTemplate gave a quality outside [0, 1]: " + shown(one));
    // There is one for each picture, and none of several together.
    if (images.size() == 1 && !quality.empty()) more = ",\"quality\":" + shown(quality[0]);
    say("{\"bytes\":" + std::to_string(made.size()) + more + "}", made);
}

void search(TattE::Interface &library_of, const std::string &line, const Bytes &data) {
    std::vector<TattE::Candidate> list;
    const auto length = static_cast<uint32_t>(number(line, "length"));
    call("identifyTemplate", true, [&] { return library_of.identifyTemplate(data, length, list); });
    std::string said;
    size_t empty = 0;
    for (const TattE::Candidate &one : list) {
        if (!one.isAssigned) {
            ++empty;
            continue;
        }
        char *end = nullptr;
        const std::string &id = one.templateId;
        const size_t place = std::strtoull(id.c_str(), &end, 10);
        if (id != std::to_string(place) || place >= candidates_of)
            fail("identifyTemplate named a candidate that is not in the manifest: " + id);
        if (!std::isfinite(one.similarityScore))
            fail("identifyTemplate gave candidate " + id + " a score that is no finite number: "
                 + shown(one.similarityScore));
        said += (said.empty() ? "[" : ",[") + id + "," + shown(one.similarityScore) + "]";
    }
    say("{\"candidates\":[" + said + "],\"empty\":" + std::to_string(empty) + "}");
}

// The library's yes or no and its confidence in one score: from 0.5 on it is yes, and where it says
// yes from some confidence on, the order of scores is that of confidences.
void detect(TattE::Interface &library_of, const std::string &line, const Bytes &data) {
    const TattE::Image image = pictures(line, data).at(0);
    bool detected = false;
    double confidence = std::nan("");
    std::vector<TattE::BoundingBox> boxes;
    call("detectTattoo", true,
         [&] { return library_of.detectTattoo(image, detected, confidence, boxes); });
    if (!(confidence >= 0 && confidence <= 1))
        fail("detectTattoo gave a confidence outside [0, 1]: " + shown(confidence));
    double score = (confidence + (detected ? 1 : 0)) / 2;
    if (!detected && score >= 0.5) score = std::nextafter(0.5, 0);
    std::string said;
    for (const TattE::BoundingBox &box : boxes)
        said += (said.empty() ? "[" : ",[") + std::to_string(box.x) + "," + std::to_string(box.y)
                + "," + std::to_string(box.width) + "," + std::to_string(box.height) + "]";
    say("{\"score\":" + shown(score) + ",\"boxes\":[" + said + "]}");
}

void answer(TattE::Interface &library_of, Stage stage, const std::string &line, const Bytes &data) {
    try {
        if (stage == Searching)
            search(library_of, line, data);
        else if (stage == Detecting)
            detect(library_of, line, data);
        else
            make_template(library_of, stage, line, data);
    } catch (const Failure &failure) {
        say_failure(failure);
    }
}

// End as another process did, so that whoever waits sees how.
[[noreturn]] void end_as(int status) {
    if (WIFSIGNALED(status)) {
        std::signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
        _exit(128 + WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

int waited(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

std::array<int, 2> made_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        fail("no pipe could be made: " + std::string(std::strerror(errno)));
    return ends;
}

pid_t forked() {
    std::fflush(nullptr);
    const pid_t parent = getpid(), pid = fork();
    if (pid < 0) fail("no process could be started: " + std::string(std::strerror(errno)));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(0);
    }
    return pid;
}

// A stage: answer what belongs to it, hand up what does not. It ends when nothing more comes.
[[noreturn]] void leave() {
    shared->meant = true;
    _exit(0);
}

[[noreturn]] void serve(Stage stage, int down, int up) {
    std::string line = read_line(down);
    if (line.empty()) leave();
    Bytes data = payload(line);
    std::shared_ptr<TattE::Interface> made;
    try {
        made = implementation(library);
        initialise(*made, stage);
        // What is initialised once is used by the processes forked from it.
        if (const pid_t pid = forked()) {
            close(down);
            close(up);
            end_as(waited(pid));
        }
    } catch (const Failure &failure) {
        say_failure(failure);
        leave();
    }
    for (;;) {
        answer(*made, stage, line, data);
        line = read_line(questions);
        while (line.empty() || stage_of(text(line, "do")) != stage) {
            line += '\n';
            write_fully(up, line.data(), line.size());
            if (line.size() == 1) leave();
            line = read_line(down);
            if (line.empty()) leave();
        }
        data = payload(line);
    }
}

std::string how_it_ended(int status) {
    const std::string function = shared->function;
    const std::string where = function.empty() ? "outside of its functions" : "in " + function;
    if (WIFSIGNALED(status)) {
        const auto name = SIGNALS.find(WTERMSIG(status));
        return "the library was ended " + where + " by "
               + (name != SIGNALS.end() ? name->second
                                        : "signal " + std::to_string(WTERMSIG(status)));
    }
    return "the library ended its process " + where + " with exit code "
           + std::to_string(WEXITSTATUS(status));
}

void end_child(Stage stage) {
    Child &child = children[stage];
    if (!child.pid) return;
    close(child.down);
    close(child.up);
    kill(child.pid, SIGKILL);
    waited(child.pid);
    child = Child{};
}

// Have a stage answer a question, and return the next one that belongs to another.
std::string pass(Stage stage, std::string line) {
    Child &child = children[stage];
    if (!child.pid) {
        const std::array<int, 2> down = made_pipe(), up = made_pipe();
        shared->function[0] = '\0';
        shared->meant = false;
        const pid_t pid = forked();
        if (pid == 0) {
            close(down[1]);
            close(up[0]);
            serve(stage, down[0], up[1]);
        }
        close(down[0]);
        close(up[1]);
        child = Child{pid, down[1], up[0]};
    }
    line += '\n';
    write_fully(child.down, line.data(), line.size());
    std::string next;
    char one = 0;
    while (read_fully(child.up, &one, 1)) {
        if (one == '\n') return next;
        next.push_back(one);
    }
    const int status = waited(child.pid);
    child.pid = 0;
    if (!shared->meant) say_failure(Failure{"failed", how_it_ended(status)});
    close(child.down);
    close(child.up);
    child = Child{};
    return read_line(questions);
}

// The gallery

void close_gallery() {
    if (gallery.edb) std::fclose(gallery.edb);
    gallery.edb = nullptr;
    if (!gallery.folder.empty()) {
        unwatch(gallery.enrolled());
        remove_folder(gallery.folder);
    }
    const int count = gallery.count;
    gallery = Gallery{};
    gallery.count = count;
}

void keep(const std::string &line, const Bytes &data) {
    const size_t place = number(line, "number");
    if (!gallery.edb || place == 0) {
        end_child(Searching);
        close_gallery();
        gallery.folder = home / ("gallery-" + std::to_string(gallery.count++));
        fs::create_directories(gallery.enrolled());
        gallery.edb = std::fopen(gallery.edb_file().c_str(), "wb");
    }
    if (!gallery.edb || std::fwrite(data.data(), 1, data.size(), gallery.edb) != data.size())
        fail("the enrolment database cannot be written: " + std::string(std::strerror(errno)));
    gallery.places[place] = Place{gallery.written, data.size()};
    gallery.written += data.size();
}

// Returns the bytes of all files in it.
uintmax_t make_read_only(const fs::path &folder) {
    constexpr fs::perms WRITE =
        fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
    std::error_code ignored;
    size_t files = 0;
    uintmax_t bytes = 0;
    for (const auto &one : fs::recursive_directory_iterator(folder, ignored)) {
        if (one.is_symlink(ignored)) continue;
        if (one.is_regular_file(ignored)) {
            ++files;
            bytes += one.file_size(ignored);
        }
        fs::permissions(one.path(), WRITE, fs::perm_options::remove, ignored);
    }
    fs::permissions(folder, WRITE, fs::perm_options::remove, ignored);
    std::fprintf(stderr, "enrolled: %zu templates of %zu bytes; enrolment folder: %zu files, %ju "
                 "bytes\n", gallery.places.size(), gallery.written, files, bytes);
    return bytes;
}

// Returns the bytes of the enrolment folder.
uintmax_t finalise(size_t count) {
    end_child(Searching);
    const bool whole = gallery.places.size() == count && count > 0
                       && gallery.places.rbegin()->first + 1 == count;
    if (!gallery.edb || !whole)
        fail("'finalise' names " + std::to_string(count) + " references, and "
             + std::to_string(gallery.places.size()) + " were given");
    std::fclose(gallery.edb);
    gallery.edb = nullptr;
    FILE *const manifest = std::fopen(gallery.manifest().c_str(), "w");
    if (!manifest) fail("the manifest cannot be written: " + std::string(std::strerror(errno)));
    for (const auto &[id, place] : gallery.places)
        std::fprintf(manifest, "%zu %zu %zu\n", id, place.size, place.offset);
    std::fclose(manifest);
    const std::array<int, 2> up = made_pipe();
    shared->function[0] = '\0';
    const pid_t pid = forked();
    if (pid == 0) {
        std::string said = "done";
        try {
            const std::shared_ptr<TattE::Interface> made = implementation(library);
            call("finalizeEnrollment", false, [&] {
                return made->finalizeEnrollment(settings.config, gallery.enrolled(),
                                                gallery.edb_file(), gallery.manifest(),
                                                settings.gallery);
            });
        } catch (const Failure &failure) {
            said = std::string(failure.code) + " " + failure.message;
        }
        write_fully(up[1], said.data(), said.size());
        _exit(0);
    }
    close(up[1]);
    std::string said;
    for (char one = 0; read_fully(up[0], &one, 1);) said.push_back(one);
    close(up[0]);
    const int status = waited(pid);
    if (said.empty()) fail(how_it_ended(status));
    if (said != "done") {
        const size_t cut = said.find(' ');
        fail(said.substr(cut + 1), said.substr(0, cut) == "unsupported" ? "unsupported" : "failed");
    }
    // What a library needs of its input it has copied by now.
    std::error_code ignored;
    fs::remove(gallery.edb_file(), ignored);
    fs::remove(gallery.manifest(), ignored);
    const uintmax_t size = make_read_only(gallery.enrolled());
    watch_folder(gallery.enrolled());
    candidates_of = count;
    return size;
}

// Abilities

// Let this process take so many bytes more, and no others.
void bound_memory(rlim_t more) {
    size_t pages = 0;
    FILE *const file = std::fopen("/proc/self/statm", "r");
    if (!file) return;
    const bool known = std::fscanf(file, "%zu", &pages) == 1;
    std::fclose(file);
    rlimit limit{};
    if (!known || getrlimit(RLIMIT_AS, &limit) != 0) return;
    limit.rlim_cur = std::min(limit.rlim_max, pages * sysconf(_SC_PAGESIZE) + more);
    setrlimit(RLIMIT_AS, &limit);
}

// Whether the library says that it does not implement what a stage asks. It is asked as in a run,
// for one grey picture, in a process of its own; whatever else it does, it will do there, too.
bool lacks(Stage stage) {
    const std::array<int, 2> up = made_pipe();
    const pid_t pid = forked();
    if (pid == 0) {
        close(up[0]);
        bound_memory(LARGEST_SURVEY);
        try {
            const std::shared_ptr<TattE::Interface> made = implementation(library);
            initialise(*made, stage);
            const TattE::Image image = picture(64, 64, Bytes(3 * 64 * 64, 128).data());
            if (stage == Detecting) {
                bool detected = false;
                double confidence = 0;
                std::vector<TattE::BoundingBox> boxes;
                call("detectTattoo", true,
                     [&] { return made->detectTattoo(image, detected, confidence, boxes); });
            } else {
                Bytes kept;
                std::vector<std::vector<TattE::BoundingBox>> boxes;
                std::vector<double> quality;
                call("createTemplate", true, [&] {
                    return made->createTemplate({image}, TattE::TemplateRole::Enrollment, kept,
                                                boxes, quality);
                });
            }
        } catch (const Failure &failure) {
            if (!std::strcmp(failure.code, "unsupported")) write_fully(up[1], "-", 1);
        }
        _exit(0);
    }
    close(up[1]);
    pollfd waits{up[0], POLLIN, 0};
    int ready = 0;
    do {
        ready = poll(&waits, 1, LONGEST_SURVEY);
    } while (ready < 0 && errno == EINTR);
    char said = 0;
    const bool lacking = ready > 0 && read_fully(up[0], &said, 1);
    close(up[0]);
    kill(pid, SIGKILL);
    waited(pid);
    shared->function[0] = '\0';
    return lacking;
}

void survey() {
    std::string found;
    if (!lacks(Enrolling)) found += "\"search\"";
    if (!lacks(Detecting)) found += found.empty() ? "\"detect\"" : ",\"detect\"";
    say("{\"abilities\":[" + found + "]}");
}

// Questions of the first process

void hello() {
    load(library);
    const std::string version = std::to_string(MAJOR) + "." + std::to_string(MINOR);
    say("{\"name\":" + quoted(library.name()) + ",\"version\":\"Tatt-E " + version
        + "\",\"protocol\":1,\"abilities\":[\"search\",\"detect\"],\"survey\":true,\"parameters\":["
          "{\"name\":\"config\",\"type\":\"str\",\"default\":\"\",\"meaning\":"
          "\"Folder of configuration that the library reads; an empty one unless set.\"},"
          "{\"name\":\"header\",\"type\":\"str\",\"default\":\"\",\"meaning\":"
          "\"NIST's tatte.h, against which the driver is compiled in the place of its own.\"},"
          "{\"name\":\"image_type\",\"type\":\"str\",\"default\":\"tattoo\","
          "\"choices\":[\"tattoo\",\"sketch\",\"unknown\"],\"meaning\":"
          "\"What the library is told that pictures are.\"},"
          "{\"name\":\"gallery\",\"type\":\"str\",\"default\":\"unconsolidated\","
          "\"choices\":[\"unconsolidated\",\"consolidated\"],\"meaning\":"
          "\"What a template of the gallery is made of: one picture, or all of an identity.\"}],"
          "\"about\":\"A library for NIST's Tatt-E, interface " + version + ".\","
          "\"citation\":\"NIST Tatt-E 2025, Concept, Evaluation Plan and API\"}");
}

void prepare(const std::string &line) {
    for (int stage = 0; stage < Stages; ++stage) end_child(static_cast<Stage>(stage));
    close_gallery();
    const std::string config = text(line, "config"), header = text(line, "header"),
                      type = text(line, "image_type");
#ifdef TATTE_HEADER
    const bool compiled = true;
#else
    const bool compiled = false;
#endif
    if (header.empty() == compiled)
        fail("header=" + header + " is not what this driver was compiled against", "parameter");
    if (!config.empty() && !fs::is_directory(config))
        fail("config=" + config + " is no folder", "parameter");
    std::error_code ignored;
    if (config.empty()) {
        fs::create_directories(home / "config", ignored);
        fs::permissions(home / "config", fs::perms::owner_read | fs::perms::owner_exec, ignored);
    }
    settings.config = config.empty() ? (home / "config").string() : fs::absolute(config).string();
    settings.type = type == "sketch"    ? TattE::Image::ImageType::Sketch
                    : type == "unknown" ? TattE::Image::ImageType::Unknown
                                        : TattE::Image::ImageType::Tattoo;
    settings.gallery = text(line, "gallery") == "consolidated" ? TattE::GalleryType::Consolidated
                                                               : TattE::GalleryType::Unconsolidated;
    if (watch >= 0) close(watch);
    watched.clear();
    watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch_folder(settings.config);
}

// Have a process wait for the end of this one, however it comes, and remove what it leaves.
void guard() {
    std::array<int, 2> alive{};
    if (pipe2(alive.data(), O_CLOEXEC) != 0 || (guardian = fork()) != 0) return;
    // Nobody may wait for this process in the belief that it is the driver.
    for (const int one : {0, 1, 2, questions, answers, alive[1]}) close(one);
    setsid();
    char nothing = 0;
    while (read(alive[0], &nothing, 1) < 0 && errno == EINTR) {}
    remove_folder(home);
    _exit(0);
}

void start() {
    // Standard output is where libraries talk: it is the log, and answers go elsewhere.
    questions = fcntl(0, F_DUPFD_CLOEXEC, 10);
    answers = fcntl(1, F_DUPFD_CLOEXEC, 10);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, 0);
    dup2(2, 1);
    close(nothing);
    std::signal(SIGPIPE, SIG_IGN);
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    void *const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::exit(1);
    shared = static_cast<Shared *>(memory);
    const char *const named = std::getenv("TMPDIR");
    std::string place = std::string(named && *named ? named : "/tmp") + "/tatte-XXXXXX";
    if (!mkdtemp(&place[0])) {
        std::fprintf(stderr, "%s: %s\n", place.c_str(), std::strerror(errno));
        std::exit(1);
    }
    home = place;
    guard();
}

void end() {
    for (int stage = 0; stage < Stages; ++stage) end_child(static_cast<Stage>(stage));
    close_gallery();
    remove_folder(home);
    if (guardian > 0) {
        kill(guardian, SIGKILL);
        waited(guardian);
    }
}

}  // namespace

int main(int count, char **words) {
    if (count != 2) {
        std::fprintf(stderr, "usage: %s LIBRARY\n", words[0]);
        return 2;
    }
    library.path = words[1];
    start();
    std::string line = read_line(questions);
    while (!line.empty()) {
        const std::string asked = text(line, "do");
        std::string next;
        bool handed = false;
        try {
            const Stage stage = stage_of(asked);
            if (stage != None) {
                next = pass(stage, line);
                handed = true;
            } else if (asked == "hello") {
                hello();
            } else if (asked == "survey") {
                survey();
            } else {
                const Bytes data = payload(line);
                std::string more;
                if (asked == "prepare")
                    prepare(line);
                else if (asked == "reference")
                    keep(line, data);
                else if (asked == "finalise")
                    more = ",\"size\":" + std::to_string(finalise(number(line, "count")));
                else if (asked == "goodbye")
                    end();
                else
                    fail("'" + asked + "' is not known", "unsupported");
                say("{\"ok\":true" + more + "}");
            }
        } catch (const Failure &failure) {
            say_failure(failure);
        } catch (const std::exception &reason) {
            say_failure(Failure{"failed", reason.what()});
        }
        if (asked == "goodbye") return 0;
        line = handed ? next : read_line(questions);
    }
    end();
    return 0;
}
