// SPDX-License-Identifier: GPL-2.0
/* JSON and text that came from elsewhere.  See json.h. */
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "when.h"

size_t utf8_length(const uint8_t *bytes, size_t length)
{
	uint32_t code;
	size_t need;

	if (!length)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] >= 0xc2 && bytes[0] <= 0xdf) {
		need = 2;
		code = bytes[0] & 0x1f;
	} else if ((bytes[0] & 0xf0) == 0xe0) {
		need = 3;
		code = bytes[0] & 0x0f;
	} else if (bytes[0] >= 0xf0 && bytes[0] <= 0xf4) {
		need = 4;
		code = bytes[0] & 0x07;
	} else {
		return 0;
	}
	if (length < need)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	/* Overlong forms, surrogates and what is beyond Unicode are not UTF-8. */
	if ((need == 3 && code < 0x800) || (need == 4 && code < 0x10000) ||
	    (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return 0;
	return need;
}

static void separate(struct json *json)
{
	if (json->comma)
		putc(',', json->out);
	json->comma = true;
}

void json_begin(struct json *json, char bracket)
{
	separate(json);
	putc(bracket, json->out);
	json->comma = false;
}

void json_end(struct json *json, char bracket)
{
	putc(bracket, json->out);
	json->comma = true;
}

void json_name(struct json *json, const char *name)
{
	separate(json);
	fprintf(json->out, "\"%s\":", name);
	json->comma = false;
}

bool json_value(struct json *json, const void *text, size_t length)
{
	const uint8_t *const bytes = text;
	bool whole = true;

	separate(json);
	putc('"', json->out);
	for (size_t i = 0; i < length;) {
		const size_t character = utf8_length(bytes + i, length - i);

		if (!character) {
			fputs("\xef\xbf\xbd", json->out);
			whole = false;
			i++;
		} else if (bytes[i] == '"' || bytes[i] == '\\') {
			putc('\\', json->out);
			putc(bytes[i++], json->out);
		} else if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
			fprintf(json->out, "\\u%04x", bytes[i++]);
		} else {
			fwrite(bytes + i, 1, character, json->out);
			i += character;
		}
	}
	putc('"', json->out);
	return whole;
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void json_base64(struct json *json, const void *text, size_t length)
{
	const uint8_t *const bytes = text;

	separate(json);
	putc('"', json->out);
	for (size_t i = 0; i < length; i += 3) {
		const size_t left = length - i;
		const uint32_t three = bytes[i] << 16 | (left > 1 ? bytes[i + 1] << 8 : 0) |
				       (left > 2 ? bytes[i + 2] : 0);

		putc(base64_digits[three >> 18], json->out);
		putc(base64_digits[three >> 12 & 63], json->out);
		putc(left > 1 ? base64_digits[three >> 6 & 63] : '=', json->out);
		putc(left > 2 ? base64_digits[three & 63] : '=', json->out);
	}
	putc('"', json->out);
}

ptrdiff_t base64_decode(const char *text, uint8_t *bytes)
{
	ptrdiff_t written = 0;
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t length = strlen(text);

	while (length && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++) {
		const char *const digit = strchr(base64_digits, text[i]);

		if (!digit)
			return -1;
		bits = bits << 6 | (uint32_t)(digit - base64_digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[written++] = bits >> have & 0xff;
		}
	}
	return have == 6 ? -1 : written;
}

void json_number(struct json *json, uint64_t number)
{
	separate(json);
	fprintf(json->out, "%" PRIu64, number);
}

void json_text(struct json *json, const char *name, const void *bytes, size_t length)
{
	bool whole;

	json_name(json, name);
	whole = json_value(json, bytes, length);
	if (whole)
		return;
	separate(json);
	fprintf(json->out, "\"%s_b64\":", name);
	json->comma = false;
	json_base64(json, bytes, length);
}

void json_string(struct json *json, const char *name, const char *string)
{
	json_name(json, name);
	json_value(json, string, strlen(string));
}

void json_u64(struct json *json, const char *name, uint64_t number)
{
	json_name(json, name);
	json_number(json, number);
}

void json_bool(struct json *json, const char *name, bool value)
{
	json_name(json, name);
	separate(json);
	fputs(value ? "true" : "false", json->out);
}

void json_time(struct json *json, const char *name, uint64_t wall_ns)
{
	char text[WHEN_BYTES];

	when_format(text, wall_ns);
	json_string(json, name, text);
}

/* U+202A to U+202E and U+2066 to U+2069 change the order in which text is shown. */
static bool is_bidi_control(const uint8_t *bytes, size_t character)
{
	return character == 3 && bytes[0] == 0xe2 &&
	       ((bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
		(bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9));
}

void text_print(FILE *out, const void *text, size_t length)
{
	const uint8_t *const bytes = text;

	for (size_t i = 0; i < length;) {
		const size_t character = utf8_length(bytes + i, length - i);

		if (bytes[i] == '\n') {
			fputs("\\n", out);
			i++;
		} else if (bytes[i] == '\t') {
			fputs("\\t", out);
			i++;
		} else if (bytes[i] == '\\') {
			fputs("\\\\", out);
			i++;
		} else if (!character || bytes[i] < 0x20 || bytes[i] == 0x7f ||
			   /* C1 control characters act on terminals as well. */
			   (character == 2 && bytes[i] == 0xc2 && bytes[i + 1] < 0xa0) ||
			   is_bidi_control(bytes + i, character)) {
			const size_t count = character ? character : 1;

			for (size_t j = 0; j < count; j++)
				fprintf(out, "\\x%02x", bytes[i + j]);
			i += count;
		} else {
			fwrite(bytes + i, 1, character, out);
			i += character;
		}
	}
}
