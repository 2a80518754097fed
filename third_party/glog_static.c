/* Stands in, in libglog.a's programs, for two things they are better without:
   libunwind.a, whose _Unwind_Resume clashes with libgcc_eh's and which cannot
   be linked into a PIE (so glog shows no stack traces); and NSS, which glog
   would ask for the user's name before main. */
#include <errno.h>
#include <pwd.h>

#define LOCAL __attribute__((visibility("hidden")))

LOCAL int _Ux86_64_getcontext(void *context) { (void)context; return -1; }
LOCAL int _ULx86_64_init_local(void *cursor, void *context) { (void)cursor, (void)context; return -1; }
LOCAL int _ULx86_64_step(void *cursor) { (void)cursor; return 0; }
LOCAL int _ULx86_64_get_reg(void *cursor, int reg, unsigned long *value) {
  (void)cursor, (void)reg;
  *value = 0;
  return -1;
}

LOCAL int getpwuid_r(uid_t uid, struct passwd *pwd, char *buf, size_t size, struct passwd **result) {
  (void)uid, (void)pwd, (void)buf, (void)size;
  *result = 0;
  return ENOENT;
}
