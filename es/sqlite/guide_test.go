package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/internal/guides"
)

const guide = "../../docs/guides/sqlite.md"

func TestTheGuideShowsTheExamples(t *testing.T) {
	t.Parallel()
	guides.Quotes(t, guide, ".")
}

// What operators are told to run is run here, as another program.
func TestTheGuidesStatementsRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.db")
	s := open(t, path)
	if _, err := s.Append(t.Context(), write("a", es.NoStream, event(), event(), event())); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveCheckpoint(t.Context(), "mailer", 1); err != nil {
		t.Fatal(err)
	}
	before, err := s.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	answers := map[string]string{}
	for _, statement := range guides.Blocks(t, guide, "sql") {
		rows, err := db.QueryContext(t.Context(), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		answers[statement] = texts(t, rows)
	}
	for begin, want := range map[string]string{
		"SELECT e.position": "3 thing-a 3 happened 1 ",
		"SELECT name":       "mailer 2\n",
		"PRAGMA":            "ok\n",
		"UPDATE store":      "",
	} {
		found := false
		for statement, answer := range answers {
			if strings.HasPrefix(statement, begin) {
				found = true
				if !strings.HasPrefix(answer, want) {
					t.Errorf("%s: got\n%swant\n%s", statement, answer, want)
				}
			}
		}
		if !found {
			t.Errorf("the guide has no statement that begins with %s", begin)
		}
	}
	if after, err := s.Identity(t.Context()); err != nil || after == before {
		t.Errorf("the identity after a restore is %v, %v, as before", after, err)
	}
}

func texts(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(values))
		for i, v := range values {
			line[i] = v.String
		}
		b.WriteString(strings.Join(line, " ") + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The numbers in the guide are those of the code.
func TestTheGuideTellsTheLimits(t *testing.T) {
	t.Parallel()
	var s sqlite.Store
	if l := s.Limits(); l.EventBytes != 8<<20 || l.Events != 10_000 || l.Streams != 1_000 {
		t.Errorf("the limits are %+v now: change %s and docs/guides/uniqueness.md", l, guide)
	}
}
