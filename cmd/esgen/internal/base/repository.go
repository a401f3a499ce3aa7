package base

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
)

// repository is one repository and the commit in it that is the base.
type repository struct {
	ctx   context.Context
	root  string        // of the working tree
	ready chan struct{} // closed when the rest is set

	commit  string // "" if nothing is released
	before  string // the base branch before the merge that commit is; "" if it is none
	guessed bool   // no base branch is known
	what    string // says what is released, after "it is"
	unknown error  // why git can't be asked
	failed  error  // what the user must mend

	mu      sync.Mutex
	objects *objects
}

// file is a file of a lock in the base. Content is nil if it is the same in the working tree.
type file struct {
	name    string
	content []byte
}

// git runs one git command and returns what it prints. The variables that git sets for hooks
// are left out: they would send it to another repository or index.
func (r *repository) git(args ...string) (string, error) {
	cmd := r.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if message, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); message != "" {
			err = fmt.Errorf("%w: %s", err, message)
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (r *repository) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.ctx, "git", args...)
	cmd.Dir = r.root
	for _, variable := range os.Environ() {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR":
		default:
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// exitStatus returns the status of a command that failed, -1 if it didn't even start.
func exitStatus(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}

// folders returns the folders of the packages that have a lock and Go files in the base, and that the go command looks into.
func (r *repository) folders() ([]string, error) {
	out, err := r.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", r.commit)
	if err != nil {
		return nil, err
	}
	locks, sources := map[string]bool{}, map[string]bool{}
	for name := range strings.SplitSeq(out, "\x00") {
		folder, base := path.Split(name)
		if owner, ok := strings.CutSuffix(folder, lock.Dir+"/"); ok && lock.IsFile(base) {
			locks[path.Clean(owner)] = true
		} else if strings.HasSuffix(base, ".go") {
			sources[path.Clean(folder)] = true
		}
	}
	skipped := func(element string) bool {
		return element == "testdata" || element == "vendor" || element != "." && strings.HasPrefix(element, ".") || strings.HasPrefix(element, "_")
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(locks)), func(folder string) bool {
		return !sources[folder] || slices.ContainsFunc(strings.Split(folder, "/"), skipped)
	}), nil
}

// files returns the files of a folder as they are in the base, none if it isn't there.
func (r *repository) files(path string) ([]file, error) { return r.filesAt(r.commit, path) }

func (r *repository) filesAt(commit, path string) ([]file, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.Contains(path, "\n") {
		return nil, fmt.Errorf("%q: a name with a line break", path)
	}
	if r.objects == nil {
		var err error
		if r.objects, err = r.open(); err != nil {
			return nil, err
		}
	}
	kind, tree, err := r.objects.get(commit + ":" + path)
	if err != nil || kind != "tree" {
		return nil, err
	}
	var files []file
	for len(tree) > 0 {
		// Each entry is mode, a space, the name, a zero and the hash.
		head, rest, ok := bytes.Cut(tree, []byte{0})
		mode, name, _ := strings.Cut(string(head), " ")
		size := r.objects.hashSize
		if !ok || len(rest) < size {
			return nil, errors.New("git printed a malformed tree")
		}
		hash := hex.EncodeToString(rest[:size])
		tree = rest[size:]
		if !strings.HasPrefix(mode, "100") || !lock.IsFile(name) {
			continue
		}
		f := file{name: name}
		if !r.unchanged(filepath.Join(r.root, filepath.FromSlash(path), name), hash) {
			if _, f.content, err = r.objects.get(hash); err != nil {
				return nil, err
			}
		}
		files = append(files, f)
	}
	return files, nil
}

// readable returns the last content of a file before a commit of which ok is true, nil if the clone has none.
func (r *repository) readable(commit, path string, ok func([]byte) bool) ([]byte, error) {
	commits, err := r.git("--literal-pathspecs", "log", "--max-count=100", "--format=%H", commit, "--", path)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, commit := range strings.Fields(commits) {
		kind, content, err := r.objects.get(commit + ":" + path)
		if err != nil {
			return nil, err
		}
		if kind == "blob" && ok(content) {
			return content, nil
		}
	}
	return nil, nil
}

// unchanged reports whether a file of the working tree has the content that git names by a hash.
func (r *repository) unchanged(path, hash string) bool {
	data, err := os.ReadFile(path)
	if err != nil || r.objects.hashSize != sha1.Size {
		return false
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil)) == hash
}

// objects is a git process that prints objects.
type objects struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	hashSize int
}

func (r *repository) open() (*objects, error) {
	cmd := r.command("cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &objects{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

func (o *objects) close() {
	o.in.Close()
	o.cmd.Wait() // of its status nothing depends: all that was asked for is there
}

// get returns an object; one that there is not has no kind.
func (o *objects) get(name string) (kind string, content []byte, err error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	parts := strings.Fields(line)
	if strings.HasSuffix(line, " missing\n") || len(parts) < 3 {
		return "", nil, nil
	}
	size, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil {
		return "", nil, fmt.Errorf("git cat-file printed %q", line)
	}
	o.hashSize = len(parts[0]) / 2
	content = make([]byte, size+1) // and a line break
	if _, err := io.ReadFull(o.out, content); err != nil {
		return "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	return parts[len(parts)-2], content[:size], nil
}
