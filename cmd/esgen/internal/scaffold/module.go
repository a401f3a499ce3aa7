package scaffold

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	esgenModule = "github.com/esgen-go/esgen"
	esgenTool   = esgenModule + "/cmd/esgen"
)

// Module is a Go module.
type Module struct {
	Path string // such as example.com/shop
	Dir  string
	file *modfile.File
}

// ErrNoModule says that a folder is in no module.
var ErrNoModule = errors.New("there is no go.mod here or above: run go mod init with the module's path first")

// FindModule returns the module that a folder is, or would be, in.
func FindModule(ctx context.Context, dir string) (*Module, error) {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			break
		} else if parent := filepath.Dir(dir); parent == dir {
			return nil, ErrNoModule
		}
		dir = filepath.Dir(dir)
	}
	out, err := goCommand(ctx, dir, "env", "-json", "GOMOD")
	if err != nil {
		return nil, err
	}
	var env struct{ GOMOD string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("looking for go.mod: %w", err)
	}
	if env.GOMOD == "" || env.GOMOD == os.DevNull {
		return nil, ErrNoModule
	}
	text, err := os.ReadFile(env.GOMOD)
	if err != nil {
		return nil, err
	}
	file, err := modfile.Parse(env.GOMOD, text, nil)
	if err != nil {
		return nil, err
	}
	if file.Module == nil {
		return nil, fmt.Errorf("%s names no module", env.GOMOD)
	}
	return &Module{Path: file.Module.Mod.Path, Dir: filepath.Dir(env.GOMOD), file: file}, nil
}

func (m *Module) requires() bool {
	return slices.ContainsFunc(m.file.Require, func(r *modfile.Require) bool { return r.Mod.Path == esgenModule })
}

// HasTool reports whether go tool esgen runs the esgen of this module.
func (m *Module) HasTool() bool {
	return m.Path == esgenModule || slices.ContainsFunc(m.file.Tool, func(t *modfile.Tool) bool { return t.Path == esgenTool })
}

// ToolCommands returns the arguments of the go command that make esgen a tool of the module: in the version
// that it requires already, or else in the given one. There are none if it is one.
func (m *Module) ToolCommands(version string) [][]string {
	if m.HasTool() {
		return nil
	}
	all := [][]string{{"mod", "edit", "-tool=" + esgenTool}, {"mod", "tidy"}}
	if !m.requires() {
		all = append([][]string{{"get", esgenModule + "@" + version}}, all...)
	}
	return all
}

// Untidy reports whether go.mod or go.sum lacks something for the package in a folder and its tests.
func Untidy(ctx context.Context, dir string) bool {
	_, err := goCommand(ctx, dir, "list", "-deps", "-test", ".")
	return err != nil
}

// Go runs the go command in the module's folder.
func (m *Module) Go(ctx context.Context, args ...string) error {
	_, err := goCommand(ctx, m.Dir, args...)
	return err
}

// Tidy has the go command complete go.mod and go.sum. restore brings back what they were.
func (m *Module) Tidy(ctx context.Context) (restore func() error, err error) {
	was := map[string][]byte{}
	for _, name := range []string{"go.mod", "go.sum"} {
		path := filepath.Join(m.Dir, name)
		if was[path], err = os.ReadFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	restore = func() error {
		var errs []error
		for path, content := range was {
			if content == nil {
				errs = append(errs, os.RemoveAll(path))
				continue
			}
			errs = append(errs, os.WriteFile(path, content, 0o644))
		}
		return errors.Join(errs...)
	}
	if err := m.Go(ctx, "mod", "tidy"); err != nil {
		return nil, errors.Join(err, restore())
	}
	return restore, nil
}

// Vendored reports whether the module has a vendor folder.
func (m *Module) Vendored() bool {
	_, err := os.Stat(filepath.Join(m.Dir, "vendor", "modules.txt"))
	return err == nil
}

// Attributes returns the lines that .gitattributes in the module's folder lacks, and the file
// with them added.
func (m *Module) Attributes() (file File, missing []string, err error) {
	file.Path = filepath.Join(m.Dir, ".gitattributes")
	old, err := os.ReadFile(file.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file, nil, err
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(old)) {
		pattern, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		there[pattern] = true
	}
	file.Content = bytes.Clone(old)
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		file.Content = append(file.Content, '\n')
	}
	for _, line := range attributes {
		// A pattern that is there has been decided on by its owner.
		if pattern, _, _ := strings.Cut(line, " "); !there[pattern] {
			missing = append(missing, line)
			file.Content = append(file.Content, line+"\n"...)
		}
	}
	return file, missing, nil
}

// attributes keep generated code out of reviews and statistics.
var attributes = []string{
	"es_gen.go linguist-generated",
	"es_gen_test.go linguist-generated",
}

// goCommand runs the go command and returns what it prints.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(complaint.String())
		if text == "" {
			text = err.Error()
		}
		return nil, fmt.Errorf("go %s: %s", strings.Join(args, " "), text)
	}
	return out.Bytes(), nil
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(dir)
}
