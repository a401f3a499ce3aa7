package shape_test

import (
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

func TestThePackagesOfAModuleWithoutADotAreNotStandard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		user, path string
		want       bool
	}{
		{"example.com/app/account", "time", true},
		{"example.com/app/account", "encoding/json", true},
		{"example.com/app/account", "example.com/app/money", false},
		{"bank/account", "bank/money", false},
		{"bank/account", "time", true},
		{"bank", "github.com/google/uuid", false},
	} {
		if got := shape.IsStandard(c.user, c.path); got != c.want {
			t.Errorf("IsStandard(%q, %q) = %v", c.user, c.path, got)
		}
	}
}
