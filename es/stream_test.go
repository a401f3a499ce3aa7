package es_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
)

func TestStreamNamesAreReadBack(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]es.Stream{
		"account-1":    {Category: "account", ID: "1"},
		"a_1-b-c":      {Category: "a_1", ID: "b-c"},
		"a--":          {Category: "a", ID: "-"},
		"x-aZ09-_:@=+": {Category: "x", ID: "aZ09-_:@=+"},
		strings.Repeat("c", 64) + "-" + strings.Repeat("i", 200): {Category: strings.Repeat("c", 64), ID: strings.Repeat("i", 200)},
	} {
		got, err := es.ParseStream(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseStream(%q) = %+v, %v, and back %q; want %+v", text, got, err, got, want)
		}
	}
}

func TestBadStreamNamesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "-", "a", "a-", "-a", "A-a", "a b-a", "ä-a", "a.b-c", "a-b c", "a-ä", "a-a/b", "a-a\x00", "a-a.b", "a-\xff", "a-*", "a-%",
		strings.Repeat("c", 65) + "-a", "a-" + strings.Repeat("i", 201),
	} {
		if s, err := es.ParseStream(text); !errors.Is(err, es.ErrInvalidStream) {
			t.Errorf("ParseStream(%q) = %+v, %v, want es.ErrInvalidStream", text, s, err)
		}
	}
}

func TestBadCategoriesAreRefused(t *testing.T) {
	t.Parallel()
	for category, ok := range map[string]bool{"a": true, "_": true, "0": true, strings.Repeat("a", 64): true, "": false, "A": false, "a-b": false, "é": false, "a\x00": false, strings.Repeat("a", 65): false} {
		if err := es.ValidateCategory(category); ok != (err == nil) || err != nil && !errors.Is(err, es.ErrInvalidStream) {
			t.Errorf("ValidateCategory(%q) = %v, want it taken: %t", category, err, ok)
		}
	}
}
