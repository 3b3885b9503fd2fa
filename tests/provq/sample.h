/* SPDX-License-Identifier: GPL-2.0 */
/* A small log: a payload is fetched, compiled and run, reads a secret and sends it. */
#ifndef SAMPLE_H
#define SAMPLE_H

/** sample_write - write it into an empty directory */
void sample_write(const char *directory);

#endif /* SAMPLE_H */
