package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// VersionVar names the environment variable that selects the server: a major version,
// such as 17, or the folder of its programs. Without it the newest that the machine has is
// taken, and one is installed if it has none.
const VersionVar = "ESGEN_TEST_POSTGRES"

// errNone: there is no server, none can be had, and nobody asked for a certain one. Tests
// that need one are skipped.
var errNone = errors.New("no PostgreSQL server")

// findBin returns the folder of the server's programs, and installs them if need be.
var findBin = sync.OnceValues(func() (string, error) {
	wanted := os.Getenv(VersionVar)
	if strings.Contains(wanted, "/") {
		if !isFile(filepath.Join(wanted, "postgres")) {
			return "", fmt.Errorf("%s=%s: the folder has no program postgres", VersionVar, wanted)
		}
		return wanted, nil
	}
	if bin := installed(wanted); bin != "" {
		return bin, nil
	}
	if wanted != "" {
		return fetch(wanted)
	}
	aptErr := install()
	if bin := installed(""); aptErr == nil && bin != "" {
		return bin, nil
	}
	newest := slices.Max(fetchable())
	bin, npmErr := fetch(newest)
	if npmErr == nil {
		return bin, nil
	}
	return "", fmt.Errorf("%w was found, and installing one failed (do it by hand, for example with `apt-get install postgresql`): %w",
		errNone, errors.Join(aptErr, npmErr))
})

// installed finds the newest server, or that of a version, where Debian has it, in the PATH,
// or where fetch has put it.
func installed(version string) string {
	bins, _ := filepath.Glob("/usr/lib/postgresql/" + cmp.Or(version, "*") + "/bin/postgres")
	if len(bins) > 0 {
		major := func(bin string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(bin))))
			return n
		}
		return filepath.Dir(slices.MaxFunc(bins, func(a, b string) int { return cmp.Compare(major(a), major(b)) }))
	}
	if version == "" {
		if path, err := exec.LookPath("postgres"); err == nil {
			return filepath.Dir(path)
		}
		for _, version := range slices.Backward(fetchable()) {
			if bin, err := fetchedBin(version); err == nil && isFile(filepath.Join(bin, "postgres")) {
				return bin
			}
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
