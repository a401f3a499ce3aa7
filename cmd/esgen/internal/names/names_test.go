package names_test

import (
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

func TestSnakeKeepsInitialismsTogether(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Opened": "opened", "HTTPRouteAdded": "http_route_added", "RouteHTTP": "route_http", "UserID": "user_id",
		"OAuth2TokenIssued": "o_auth2_token_issued", "V2Opened": "v2_opened", "A": "a", "already_snake": "already_snake",
		"Mixed_Case": "mixed_case", "IPv4Assigned": "i_pv4_assigned", "opened": "opened",
	} {
		if got := names.Snake(name); got != want {
			t.Errorf("Snake(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestLowerAndUpperChangeTheFirstWord(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Account": "account", "HTTPRoute": "httpRoute", "ID": "id", "order": "order", "": ""} {
		if got := names.Lower(name); got != want {
			t.Errorf("Lower(%q) = %q, want %q", name, got, want)
		}
	}
	if got := names.Upper("opened"); got != "Opened" {
		t.Errorf("Upper(opened) = %q", got)
	}
}
