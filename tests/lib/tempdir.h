/* SPDX-License-Identifier: GPL-2.0 */
/* Directories for tests: in memory where possible, removed with what is in them. */
#ifndef TEMPDIR_H
#define TEMPDIR_H

/** tempdir_new - make a directory; ends the program if it cannot */
char *tempdir_new(void);
/** tempdir_clear - remove the files in it */
void tempdir_clear(const char *directory);
/** tempdir_free - remove it and free the name */
void tempdir_free(char *directory);

#endif /* TEMPDIR_H */
