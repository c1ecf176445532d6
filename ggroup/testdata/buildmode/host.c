// A C program that loads a Go library and calls it: on its first thread, and on
// two others, which Go has never seen.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static int (*groups)(void);

static void *call(void *unused) { return (void *)(long)groups(); }

int main(int argc, char **argv) {
	void *library = dlopen(argv[1], RTLD_NOW);
	if (!library || !(groups = (int (*)(void))dlsym(library, "weir_groups"))) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	if (groups())
		return 3;
	pthread_t thread;
	void *result;
	for (int i = 0; i < 2; i++) {
		if (pthread_create(&thread, 0, call, 0) || pthread_join(thread, &result) || result)
			return 4;
	}
	puts("done");
	return 0;
}
