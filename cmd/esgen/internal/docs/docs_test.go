package docs_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/docs"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// example has events whose names differ only in what file systems and AsyncAPI don't take.
func example() *catalog.Catalog {
	a := &catalog.Aggregate{Category: "order", Go: "Order", Package: "example.com/shop/order", Doc: `Order is "odd" <b>.`}
	for _, name := range []string{"a.b", "A.b", "a/b", "a:b", "a_b", "b.C"} {
		e := &catalog.Event{Name: name}
		for schema := 1; schema <= 2; schema++ {
			e.Versions = append(e.Versions, &catalog.Version{Event: e, Schema: schema, Go: "Happened", Shape: &shape.Type{Kind: shape.Struct}})
		}
		e.Versions[0].Next = &catalog.Next{By: "upcast", To: e.Versions[1:]}
		a.Events = append(a.Events, e)
	}
	a.Commands = []*catalog.Command{{Name: "Do", Signature: "() error", Records: a.Events[:1]}}
	return &catalog.Catalog{Module: "example.com/shop", Aggregates: []*catalog.Aggregate{a}}
}

func TestFilesHaveNamesThatDifferInMoreThanCaseAndAreKnownAsOwn(t *testing.T) {
	t.Parallel()
	files := docs.Files(example(), "https://example.com")
	if want := 3 + 6*2; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
	seen := map[string]string{}
	for name, content := range files {
		if other, ok := seen[strings.ToLower(name)]; ok {
			t.Errorf("%s and %s are one file where case doesn't count", name, other)
		}
		seen[strings.ToLower(name)] = name
		if !regexp.MustCompile(`^[A-Za-z0-9_.!%/-]+$`).MatchString(name) {
			t.Errorf("%s is no name on all file systems", name)
		}
		header, ok := docs.Header(name)
		if !ok || !strings.Contains(string(content), header+"\n") {
			t.Errorf("%s lacks its header %q", name, header)
		}
		if path.Ext(name) == ".json" && !json.Valid(content) {
			t.Errorf("%s is no JSON:\n%s", name, content)
		}
	}
}

func TestReferencesInAsyncAPIResolveAndKeysAreAllowed(t *testing.T) {
	t.Parallel()
	files := docs.Files(example(), "https://example.com")
	var root any
	if err := json.Unmarshal(files[docs.AsyncAPIFile], &root); err != nil {
		t.Fatal(err)
	}
	count := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if to, ok := value.(string); ok && key == "$ref" {
					count++
					if name, isFile := strings.CutPrefix(to, "./"); isFile {
						if file, err := url.PathUnescape(name); err != nil || files[file] == nil {
							t.Errorf("%s is not there: %v", to, err)
						}
					} else if !resolves(root, strings.TrimPrefix(to, "#/")) {
						t.Errorf("%s leads nowhere", to)
					}
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(root)
	if want := 12 + 12 + 12 + 6 + 1; count != want { // of channels, payloads and traits; what is sent; the channel
		t.Errorf("%d references, want %d", count, want)
	}
	messages := root.(map[string]any)["components"].(map[string]any)["messages"].(map[string]any)
	if len(messages) != 12 {
		t.Errorf("%d messages, want 12", len(messages))
	}
	for key := range messages {
		if !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(key) {
			t.Errorf("%s can't be a key", key)
		}
	}
}

func resolves(v any, pointer string) bool {
	for part := range strings.SplitSeq(pointer, "/") {
		m, ok := v.(map[string]any)
		if !ok || m[part] == nil {
			return false
		}
		v = m[part]
	}
	return true
}

func TestLinksInPagesLeadToHeadings(t *testing.T) {
	t.Parallel()
	page := string(docs.Files(example(), "https://example.com")["order/README.md"])
	if !strings.Contains(page, "| `Do() error` | [a.b](#ab) |") || !strings.Contains(page, "\n### a.b\n") {
		t.Errorf("the command doesn't lead to its event:\n%s", page)
	}
}

func TestFormerNamesAreAcceptedInPlaceOfTheNewOneAndNotBesideIt(t *testing.T) {
	t.Parallel()
	text := &shape.Type{Kind: shape.String}
	of := &shape.Type{Kind: shape.Struct, Fields: []*shape.Field{
		{Name: "name", Was: []string{"title", "heading", "other"}, Type: text},
		{Name: "note", Was: []string{"remark"}, Type: text, OmitEmpty: true},
		{Name: "other", Type: text},
	}}
	v := &catalog.Version{Event: &catalog.Event{Name: "thing.named"}, Schema: 1, Shape: of}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(docs.Schema(v, "https://example.com/thing.json")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("thing.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("thing.json")
	if err != nil {
		t.Fatal(err)
	}
	for text, valid := range map[string]bool{
		`{"other":"o","name":"n"}`:                           true,
		`{"other":"o","title":"n"}`:                          true,
		`{"other":"o","heading":"n","note":"x"}`:             true,
		`{"other":"o","heading":"n","remark":"x"}`:           true,
		`{"other":"o","heading":"n","remark":null}`:          true,
		`{"other":"o"}`:                                      false,
		`{"other":"o","name":"n","title":"n"}`:               false,
		`{"other":"o","title":"n","heading":"n"}`:            false,
		`{"other":"o","title":1}`:                            false,
		`{"other":"o","name":"n","note":"x","remark":"x"}`:   false,
		`{"other":"o","name":"n","remark":1}`:                false,
		`{"other":"o","name":"n","remark":"x","unknown":[]}`: true,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != valid {
			t.Errorf("%s: %v", text, err)
		}
	}
}
