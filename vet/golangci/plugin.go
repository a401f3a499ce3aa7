// Package golangci makes the analyzers of esgen's package vet a linter of golangci-lint, by its module plugin system.
//
// A file .custom-gcl.yml says what golangci-lint custom is to build:
//
//	version: v2.15.0
//	plugins:
//	  - module: github.com/esgen-go/esgen/vet/golangci
//	    version: v0.1.0
//
// And .golangci.yml enables it:
//
//	version: "2"
//	linters:
//	  enable: [esgen]
//	  settings:
//	    custom:
//	      esgen:
//	        type: module
//	        description: finds code that loses history, or makes a replay differ
//	        settings:
//	          disable: [unusedevent] # analyzers to leave out; none by default
package golangci

import (
	"fmt"
	"slices"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/esgen-go/esgen/vet"
)

// Name is the linter's, in golangci-lint's configuration.
const Name = "esgen"

func init() { register.Plugin(Name, New) } // as golangci-lint asks of plugins

// Settings are the linter's.
type Settings struct {
	// Disable has the names of analyzers to leave out.
	Disable []string `json:"disable"`
}

// New returns the linter. An unknown setting or analyzer is an error.
func New(conf any) (register.LinterPlugin, error) {
	settings, err := register.DecodeSettings[Settings](conf)
	if err != nil {
		return nil, fmt.Errorf("settings of linter %s: %w", Name, err)
	}
	for _, name := range settings.Disable {
		if !slices.ContainsFunc(vet.Analyzers(), func(a *analysis.Analyzer) bool { return a.Name == name }) {
			return nil, fmt.Errorf("settings of linter %s: there is no analyzer %q to disable: see esgen help vet", Name, name)
		}
	}
	return plugin{settings}, nil
}

type plugin struct{ settings Settings }

// BuildAnalyzers implements [register.LinterPlugin].
func (p plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	return slices.DeleteFunc(vet.Analyzers(), func(a *analysis.Analyzer) bool { return slices.Contains(p.settings.Disable, a.Name) }), nil
}

// GetLoadMode implements [register.LinterPlugin].
func (plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
