// Package cache remembers of packages that esgen has nothing to change in them, so that the next run needs
// to do no more than to see that nothing they depend on is different.
//
// A package is known by a hash over all that its generated files follow from, and over these: see
// [Run.Known]. It is a note about a state and never content, so that the worst that a lost or a damaged entry does
// is work done again. esgen check doesn't ask it.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"
)

// Variable is the environment variable that names the cache's folder; "off" is for none.
const Variable = "ESGEN_CACHE"

const (
	keepFor   = 30 * 24 * time.Hour
	trimEvery = 24 * time.Hour
)

// folder is where the entries are: one file a package, which holds its key.
type folder string

// open returns the cache's folder, "" if there is none.
func open() folder {
	switch dir := os.Getenv(Variable); dir {
	case "":
		if dir, err := os.UserCacheDir(); err == nil {
			return folder(filepath.Join(dir, "esgen"))
		}
		return ""
	case "off":
		return ""
	default:
		return folder(dir)
	}
}

// entry returns the file of the package in a folder.
func (f folder) entry(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(string(f), hex.EncodeToString(sum[:16]))
}

// has reports whether the package was found current under that key.
func (f folder) has(dir, key string) bool {
	entry := f.entry(dir)
	found, err := os.ReadFile(entry)
	if err != nil || string(found) != key {
		return false
	}
	if info, err := os.Stat(entry); err == nil && time.Since(info.ModTime()) > trimEvery {
		now := time.Now()
		os.Chtimes(entry, now, now) // it is in use; if that fails, it is made again some day
	}
	return true
}

// put notes that the package was found current under that key.
func (f folder) put(dir, key string) error {
	if err := os.MkdirAll(string(f), 0o755); err != nil {
		return err
	}
	f.trim()
	temp, err := os.CreateTemp(string(f), ".entry.*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // it isn't there any more if all went well
	if _, err := temp.WriteString(key); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), f.entry(dir))
}

// trim removes entries that were not used for long, once a day.
func (f folder) trim() {
	stamp := filepath.Join(string(f), "trimmed")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < trimEvery {
		return
	}
	if os.WriteFile(stamp, nil, 0o644) != nil {
		return
	}
	now := time.Now()
	os.Chtimes(stamp, now, now)
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > keepFor {
			os.Remove(filepath.Join(string(f), e.Name()))
		}
	}
}
