package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cache"
)

func TestMain(m *testing.M) {
	// Not the user's. The scripts, which come by here too when they run esgen, name their own.
	if _, ok := os.LookupEnv(cache.Variable); !ok {
		os.Setenv(cache.Variable, "off")
	}
	testscript.Main(m, map[string]func(){"esgen": main})
}

// Each script in testdata/script is a module in which esgen and the go command run for real.
func TestScripts(t *testing.T) {
	long(t)
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			for name, data := range moduleFiles(t) {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o644); err != nil {
					return err
				}
			}
			env.Setenv(cache.Variable, "off")
			// The go command's own folders, which follow from HOME, stay those of the user.
			for _, name := range []string{"HOME", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GONOSUMDB", "GOSUMDB"} {
				if value, ok := os.LookupEnv(name); ok {
					env.Setenv(name, value)
				}
			}
			return nil
		},
	})
}
