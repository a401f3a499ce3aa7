package es

import (
	"fmt"
	"strings"
)

// Limits of the names that every engine takes, in bytes.
const (
	MaxCategoryLen = 64
	MaxStreamIDLen = 200
	MaxTypeLen     = 200
)

// Stream names one stream of events: the history of one aggregate. It is
// comparable, so it is a map key rather than a string to be parsed back.
type Stream struct {
	// Category is the kind of aggregate: [a-z0-9_]+, at most MaxCategoryLen bytes.
	Category string
	// ID is the instance: letters, digits and any of - _ : @ = +, at most
	// MaxStreamIDLen bytes. The case of letters matters.
	ID string
}

// String returns category-id, such as account-0192. No category holds a '-', so
// [ParseStream] reads it back.
func (s Stream) String() string { return s.Category + "-" + s.ID }

// ParseStream reads what [Stream.String] writes. The error matches
// [ErrInvalidStream].
func ParseStream(text string) (Stream, error) {
	category, id, ok := strings.Cut(text, "-")
	if !ok {
		return Stream{}, fmt.Errorf("parsing stream %.80q: no '-' between category and id: %w", text, ErrInvalidStream)
	}
	s := Stream{Category: category, ID: id}
	return s, s.Validate()
}

// Validate reports whether every store takes the stream's name. The error
// matches [ErrInvalidStream] and says which part is wrong.
func (s Stream) Validate() error {
	if err := ValidateCategory(s.Category); err != nil {
		return err
	}
	switch {
	case s.ID == "":
		return fmt.Errorf("stream id of category %q is empty: %w", s.Category, ErrInvalidStream)
	case len(s.ID) > MaxStreamIDLen:
		return fmt.Errorf("stream id %.40q… is %d bytes, at most %d are allowed: %w", s.ID, len(s.ID), MaxStreamIDLen, ErrInvalidStream)
	}
	for i := 0; i < len(s.ID); i++ {
		if !isIDByte(s.ID[i]) {
			return fmt.Errorf("stream id %q has %q at byte %d, allowed are letters, digits and - _ : @ = +: %w", s.ID, s.ID[i:i+1], i, ErrInvalidStream)
		}
	}
	return nil
}

// ValidateCategory reports whether every store takes the category's name. The
// error matches [ErrInvalidStream].
func ValidateCategory(category string) error {
	switch {
	case category == "":
		return fmt.Errorf("stream category is empty: %w", ErrInvalidStream)
	case len(category) > MaxCategoryLen:
		return fmt.Errorf("stream category %.40q… is %d bytes, at most %d are allowed: %w", category, len(category), MaxCategoryLen, ErrInvalidStream)
	}
	for i := 0; i < len(category); i++ {
		if c := category[i]; !isLower(c) && !isDigit(c) && c != '_' {
			return fmt.Errorf("stream category %q has %q at byte %d, allowed are a-z 0-9 _: %w", category, category[i:i+1], i, ErrInvalidStream)
		}
	}
	return nil
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isIDByte(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("-_:@=+", c) >= 0
}

func isTypeByte(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("-_.:/", c) >= 0
}
