package golangci_test

import (
	"testing"

	"github.com/golangci/plugin-module-register/register"

	"github.com/esgen-go/esgen/vet"
	"github.com/esgen-go/esgen/vet/golangci"
)

func TestThePluginHasAllAnalyzersButThoseThatAreDisabled(t *testing.T) {
	t.Parallel()
	build, err := register.GetPlugin(golangci.Name)
	if err != nil {
		t.Fatal(err)
	}
	for disabled, settings := range map[int]any{0: nil, 2: map[string]any{"disable": []string{"purefold", "unusedevent"}}} {
		linter, err := build(settings)
		if err != nil {
			t.Fatal(err)
		}
		analyzers, err := linter.BuildAnalyzers()
		if err != nil {
			t.Fatal(err)
		}
		if want := len(vet.Analyzers()) - disabled; len(analyzers) != want {
			t.Errorf("%d analyzers, want %d", len(analyzers), want)
		}
		if linter.GetLoadMode() != register.LoadModeTypesInfo {
			t.Errorf("load mode %s: the analyzers need types", linter.GetLoadMode())
		}
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, settings := range []any{map[string]any{"disable": []string{"nothing"}}, map[string]any{"disabled": true}} {
		if linter, err := golangci.New(settings); err == nil {
			t.Errorf("%v: %v", settings, linter)
		}
	}
}
