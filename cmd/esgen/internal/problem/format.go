package problem

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Format is a way to print problems.
type Format string

// The formats.
const (
	Text   Format = "text"   // file:line:col: message
	JSON   Format = "json"   // an array of objects
	GitHub Format = "github" // annotations, as GitHub's workflow commands
)

// Formats are all formats, in the words of a usage.
const Formats = "text, json, github"

// Set implements flag.Value.
func (f *Format) Set(s string) error {
	switch Format(s) {
	case Text, JSON, GitHub:
		*f = Format(s)
		return nil
	}
	return fmt.Errorf("the formats are %s", Formats)
}

// String implements flag.Value.
func (f *Format) String() string { return string(*f) }

// Print prints the problems, sorted by position, without repetitions. File names are relative to dir
// where that is shorter, and those for GitHub to what it has checked out, which it takes them for wherever a command runs.
func (l *List) Print(w io.Writer, format Format, dir string) error {
	if workspace := os.Getenv("GITHUB_WORKSPACE"); workspace != "" && format == GitHub {
		dir = workspace
	}
	problems := l.sorted(dir)
	if format == JSON {
		type object struct {
			File   string `json:"file"`
			Line   int    `json:"line"`
			Column int    `json:"column"`
			Detail
			Message string `json:"message"`
		}
		objects := make([]object, len(problems))
		for i, p := range problems {
			objects[i] = object{p.Pos.Filename, p.Pos.Line, p.Pos.Column, p.Detail, p.Message}
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(objects)
	}
	for _, p := range problems {
		line := p.line()
		if format == GitHub {
			line = p.annotation()
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// line prints a problem for people.
func (p Problem) line() string {
	if p.Pos.Line == 0 {
		return p.Pos.Filename + ": " + p.Message
	}
	return p.Pos.String() + ": " + p.Message
}

// annotation prints a problem for GitHub: what needs nothing to be done is a notice.
func (p Problem) annotation() string {
	level, title := "error", "esgen"
	if p.Harmless {
		level = "notice"
	}
	if p.Rule != "" {
		title = p.Rule
	}
	return fmt.Sprintf("::%s file=%s,line=%d,col=%d,title=%s::%s",
		level, property.Replace(p.Pos.Filename), max(p.Pos.Line, 1), max(p.Pos.Column, 1), property.Replace(title), message.Replace(p.Message))
}

var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
