/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON and text that came from elsewhere
 *
 * Names in a log are any bytes.  JSON is UTF-8: what is not becomes U+FFFD, and
 * a second field, its name ended by "_b64", has the bytes.
 */
#ifndef PROV_LIB_JSON_H
#define PROV_LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct json - writes JSON to a stream, nothing is kept in memory
 *
 * Errors stay in the stream: see ferror().
 */
struct json {
	FILE *out;
	bool comma;		/* something stands before in the same brackets */
};

void json_begin(struct json *json, char bracket);
void json_end(struct json *json, char bracket);
void json_name(struct json *json, const char *name);
/** json_value - a string; returns whether it says all of the bytes */
bool json_value(struct json *json, const void *bytes, size_t length);
void json_base64(struct json *json, const void *bytes, size_t length);
void json_number(struct json *json, uint64_t number);

/** json_text - field @name, and @name_b64 if the bytes are not UTF-8 */
void json_text(struct json *json, const char *name, const void *bytes, size_t length);
void json_string(struct json *json, const char *name, const char *string);
void json_u64(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);
/** json_time - field @name: wall-clock time in ns since 1970, as ISO 8601 */
void json_time(struct json *json, const char *name, uint64_t wall_ns);

/**
 * utf8_length - length of the character at the beginning
 *
 * Return: 1 to 4, or 0 if no valid character begins there.
 */
size_t utf8_length(const uint8_t *bytes, size_t length);

/**
 * base64_decode - decode standard base64, padded or not
 * @bytes: room for 3 bytes for each 4 of @text
 *
 * Return: bytes written, or -1 if @text is no base64.
 */
ptrdiff_t base64_decode(const char *text, uint8_t *bytes);

/**
 * text_print - print bytes for people on one line
 *
 * Control characters and what is not UTF-8 come out as \n, \t, \\ or \xNN, so
 * that a name cannot act on a terminal.
 */
void text_print(FILE *out, const void *bytes, size_t length);

#endif /* PROV_LIB_JSON_H */
