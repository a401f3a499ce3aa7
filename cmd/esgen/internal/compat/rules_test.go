package compat_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
)

// TestTheGuideHasEveryRule compares the guide's table with the rules.
func TestTheGuideHasEveryRule(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../../docs/guides/schema-evolution.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range compat.All() {
		row := fmt.Sprintf("| `%s` | %s | %s |\n", rule, rule.Verdict(), rule.Means())
		if !strings.Contains(string(guide), row) {
			t.Errorf("docs/guides/schema-evolution.md lacks the row\n%s", row)
		}
	}
}
