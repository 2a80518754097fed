// SPDX-License-Identifier: Apache-2.0
#include "libs/log/line.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::log {
namespace {

const absl::Time kWhen = absl::FromUnixSeconds(1795165200) + absl::Nanoseconds(123456700);

std::string Line(absl::string_view piece, Stream stream = Stream::kStdout,
                 absl::string_view attributes = "", absl::Time time = kWhen) {
  LineFormat format(stream, attributes);
  format.SetTime(time);
  std::string line(format.MaxSize(piece.size()), '?');
  char* const end = format.Write(piece, line.data());
  EXPECT_LE(end, line.data() + line.size());
  line.resize(static_cast<size_t>(end - line.data()));
  return line;
}

// `piece` as a line and back.
Record Back(absl::string_view piece) {
  const std::string line = Line(piece);
  Record record;
  EXPECT_EQ(line.back(), '\n');
  const absl::Status parsed =
      ParseLine(absl::string_view(line).substr(0, line.size() - 1), &record);
  EXPECT_TRUE(parsed.ok()) << parsed << line;
  EXPECT_TRUE(json::Parse(line).ok()) << line;
  return record;
}

std::string Time(absl::Time time, Fraction fraction) {
  char text[kMaxTime];
  const char* const end = FormatTime(time, fraction, text);
  return std::string(text, static_cast<size_t>(end - text));
}

TEST(LineTest, IsDockersForm) {
  EXPECT_EQ(
      Line("hello\n"),
      "{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-20T09:00:00.1234567Z\"}\n");
  EXPECT_EQ(Line("", Stream::kStderr, R"({"k":"v"})"),
            "{\"log\":\"\",\"stream\":\"stderr\",\"attrs\":{\"k\":\"v\"},\"time\":"
            "\"2026-11-20T09:00:00.1234567Z\"}\n");
}

TEST(LineTest, EscapesAsDockerDoes) {
  const auto escaped = [](absl::string_view piece) {
    const std::string line = Line(piece);
    return line.substr(0, line.find("\",\"stream\""));
  };
  EXPECT_EQ(escaped("\"\\/<a>&\t\r\n\x01\x7f\x1b"),
            "{\"log\":\"\\\"\\\\/\\u003ca\\u003e\\u0026\\u0009\\r\\n\\u0001\x7f\\u001b");
  EXPECT_EQ(escaped("\u00e9\u2028\u2029\ufffd\U0001F600"),
            "{\"log\":\"\u00e9\\u2028\\u2029\ufffd\U0001F600");
}

TEST(LineTest, BytesThatAreNotUtf8AreReplacedAndToldApart) {
  EXPECT_EQ(Line("caf\xe9\ufffd\xff\n"),
            "{\"log\":\"caf\\ufffd\ufffd\\ufffd\\n\",\"stream\":\"stdout\",\"bytes\":\"e9ff\","
            "\"time\":\"2026-11-20T09:00:00.1234567Z\"}\n");
}

TEST(LineTest, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(Back(one).text, one) << byte;
    // In each place of a word, among others.
    for (size_t at = 0; at < 9; ++at) {
      const std::string among = std::string(at, 'x') + one + std::string(9 - at, 'y');
      EXPECT_EQ(Back(among).text, among) << byte;
    }
    all += one;
  }
  EXPECT_EQ(Back(all).text, all);
  EXPECT_EQ(Back(all + all + "\n").text, all + all + "\n");
}

TEST(LineTest, RandomTextComesBack) {
  std::mt19937 random(1);
  static constexpr absl::string_view kParts[] = {"a",
                                                 "plain text ",
                                                 "\u00e9",
                                                 "\uD7FF",
                                                 "\U0010FFFF",
                                                 "\xed\xa0\x80",
                                                 "\xf4\x90\x80\x80",
                                                 "\xc0\x80",
                                                 "\xe2\x82",
                                                 "\"",
                                                 "\\",
                                                 "\\u00",
                                                 "\ufffd",
                                                 "\xff",
                                                 "\n",
                                                 "\u2028",
                                                 "<"};
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (size_t parts = random() % 40; parts > 0; --parts) {
      absl::StrAppend(&text, kParts[random() % std::size(kParts)]);
    }
    ASSERT_EQ(Back(text).text, text) << i;
  }
}

TEST(LineTest, TheLongestFitsIntoWhatIsPromised) {
  EXPECT_EQ(Back(std::string(kMaxPiece, '\xff')).text, std::string(kMaxPiece, '\xff'));
  EXPECT_EQ(Back(std::string(kMaxPiece, '\0')).text, std::string(kMaxPiece, '\0'));
  EXPECT_LT(Line(std::string(kMaxPiece, '\xff')).size(), kMaxLine);
}

TEST(LineTest, AJsonParserReadsTheSame) {
  const std::string text = "a\u2028\t<&>\"\\\x7f\u00e9\n";
  const auto value = json::Parse(Line(text));
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->Find("log")->text(), text);
}

TEST(PieceSizeTest, CutsNoCharacter) {
  const std::string start(kMaxPiece - 2, 'x');
  EXPECT_EQ(PieceSize(start + "abcd"), kMaxPiece);
  EXPECT_EQ(PieceSize(start + "\u00e9b"), kMaxPiece);
  EXPECT_EQ(PieceSize(start + "a\u00e9"), kMaxPiece - 1);
  EXPECT_EQ(PieceSize(start + "\u20ac"), kMaxPiece - 2);
  EXPECT_EQ(PieceSize(std::string(kMaxPiece - 3, 'x') + "\U0001F600"), kMaxPiece - 3);
  EXPECT_EQ(PieceSize(std::string(kMaxPiece + 1, '\x80')), kMaxPiece);
}

TEST(FormatTimeTest, DropsZerosOrKeepsThem) {
  const absl::Time second = absl::FromUnixSeconds(0);
  EXPECT_EQ(Time(second, Fraction::kShortest), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Time(second, Fraction::kNineDigits), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(Time(second + absl::Milliseconds(500), Fraction::kShortest), "1970-01-01T00:00:00.5Z");
  EXPECT_EQ(Time(second - absl::Nanoseconds(1), Fraction::kShortest),
            "1969-12-31T23:59:59.999999999Z");
}

TEST(FormatTimeTest, StaysWithinFourDigitsOfYears) {
  EXPECT_EQ(Time(absl::InfiniteFuture(), Fraction::kShortest), "9999-12-31T23:59:59.999999999Z");
  EXPECT_EQ(Time(absl::InfinitePast(), Fraction::kShortest), "0000-01-01T00:00:00Z");
}

TEST(ParseLineTest, ReadsStreamTimeAndAttributes) {
  Record record;
  ASSERT_TRUE(ParseLine(R"({"log":"x","stream":"stderr","attrs":{"a":"}\"{"},)"
                        R"("time":"2024-02-29T23:59:59.000000001Z"})",
                        &record)
                  .ok());
  EXPECT_EQ(record.stream, Stream::kStderr);
  EXPECT_EQ(record.attributes, R"({"a":"}\"{"})");
  EXPECT_EQ(record.time,
            absl::FromCivil(absl::CivilSecond(2024, 2, 29, 23, 59, 59), absl::UTCTimeZone()) +
                absl::Nanoseconds(1));
}

TEST(ParseLineTest, ReadsOtherFormsToo) {
  for (const char* line : {
           R"({"stream":"stdout","time":"1970-01-01T01:00:00+01:00","log":"hi\n"})",
           R"( { "log" : "hi\n" , "stream" : "stdout" , "time" : "1970-01-01T00:00:00Z" } )",
           R"({"log":"hi\n","stream":"stdout","time":"1970-01-01T00:00:00.000Z","x":[1,{}]})",
           R"({"log":"\u0068i\u000a","stream":"stdout","time":"1970-01-01T00:00:00Z"})",
           R"({"log":"hi\n","stream":"stdout","bytes":"zz","time":"1970-01-01T00:00:00Z"})",
           R"({"log":"hi\n","stream":"stdout","bytes":"ff","time":"1970-01-01T00:00:00Z"})",
       }) {
    Record record;
    const absl::Status parsed = ParseLine(line, &record);
    EXPECT_TRUE(parsed.ok()) << parsed << line;
    EXPECT_EQ(record.text, "hi\n");
    EXPECT_EQ(record.stream, Stream::kStdout);
    EXPECT_EQ(record.time, absl::UnixEpoch());
    EXPECT_EQ(record.attributes, "");
  }
  Record record;
  ASSERT_TRUE(ParseLine(R"({"log":"\ud83d\ude00","stream":"stdout","time":"1970-01-01T00:00:00Z"})",
                        &record)
                  .ok());
  EXPECT_EQ(record.text, "\U0001F600");
  ASSERT_TRUE(ParseLine(R"({"stream":"stdout","time":"1970-01-01T00:00:00Z"})", &record).ok());
  EXPECT_EQ(record.text, "");
}

TEST(ParseLineTest, RefusesWhatIsNoLine) {
  for (const char* line : {
           "",
           "{}",
           "null",
           R"({"log":"x","stream":"stdout","time":"2026-11-21T09:00:00Z")",
           R"({"log":"x,"stream":"stdout","time":"2026-11-21T09:00:00Z"})",
           R"({"log":1,"stream":"stdout","time":"2026-11-21T09:00:00Z"})",
           R"({"log":"x","stream":"stdin","time":"2026-11-21T09:00:00Z"})",
           R"({"log":"x","time":"2026-11-21T09:00:00Z"})",
           R"({"log":"x","stream":"stdout"})",
           R"({"log":"x","stream":"stdout","time":"2026-02-30T09:00:00Z"})",
           R"({"log":"x","stream":"stdout","time":"2026-11-21T24:00:00Z"})",
           R"({"log":"x","stream":"stdout","time":"infinite-future"})",
           R"({"log":"x","stream":"stdout","time":7})",
           R"({"log":"\ud83d","stream":"stdout","time":"2026-11-21T09:00:00Z"})",
           R"({"log":"\q","stream":"stdout","time":"2026-11-21T09:00:00Z"})",
       }) {
    Record record;
    const absl::Status parsed = ParseLine(line, &record);
    EXPECT_EQ(base::ErrorWord(parsed), "E_CORRUPT") << line;
  }
  Record record;
  EXPECT_FALSE(ParseLine(std::string(kMaxLine + 1, ' '), &record).ok());
  EXPECT_FALSE(ParseLine(std::string(1000, '{'), &record).ok());
  EXPECT_FALSE(ParseLine(absl::string_view("\0\0\0", 3), &record).ok());
}

TEST(ParseLineTest, ALineCutAnywhereIsRefused) {
  const std::string line = Line("hello \xff \"world\"\n", Stream::kStdout, R"({"k":"v"})");
  for (size_t size = 0; size + 1 < line.size(); ++size) {
    Record record;
    EXPECT_FALSE(ParseLine(absl::string_view(line).substr(0, size), &record).ok()) << size;
  }
}

}  // namespace
}  // namespace stave::log
