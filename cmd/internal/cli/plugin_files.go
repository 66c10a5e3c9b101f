package cli

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

const maxPluginFile = 1 << 20 // bytes

// pluginFile is what counts of a plugin.yaml. Helm 3's has no apiVersion and names
// downloaders; Helm 4 reads that too, and has a form of its own.
type pluginFile struct {
	APIVersion  string `json:"apiVersion"`
	Name        string `json:"name"`
	Downloaders []struct {
		Command   string   `json:"command"`
		Protocols []string `json:"protocols"`
	} `json:"downloaders"`

	Type    string `json:"type"`
	Runtime string `json:"runtime"`
	Config  struct {
		Protocols []string `json:"protocols"`
	} `json:"config"`
	RuntimeConfig struct {
		ProtocolCommands []protocolCommand `json:"protocolCommands"`
	} `json:"runtimeConfig"`
}

// protocolCommand has the commands of a plugin of Helm 4 for some schemes.
type protocolCommand struct {
	Protocols       []string          `json:"protocols"`
	PlatformCommand []platformCommand `json:"platformCommand"`
}

type platformCommand struct {
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	Command string   `json:"command"`
	Args    []string `json:"args"`
}

// parsePlugin gives the downloaders of a plugin.yaml; of a plugin of another kind
// there are none.
func parsePlugin(text []byte) ([]downloaderPlugin, error) {
	var p pluginFile
	if err := yaml.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	if !regexp.MustCompile(`^[\w-]+$`).MatchString(p.Name) {
		return nil, fmt.Errorf("%q is no name of a plugin", printable(p.Name))
	}
	switch {
	case p.APIVersion == "":
		var list []downloaderPlugin
		for _, d := range p.Downloaders {
			list = append(list, downloaderPlugin{name: p.Name, command: strings.Split(d.Command, " "), protocols: d.Protocols})
		}
		return list, nil
	case p.APIVersion != "v1":
		return nil, fmt.Errorf("the apiVersion %q is not known here, only v1 is, or none", printable(p.APIVersion))
	case p.Type != "getter/v1":
		return nil, nil
	}
	return p.getters(), nil
}

// getters gives one downloader for each scheme, with the first command that is for it.
func (p *pluginFile) getters() []downloaderPlugin {
	var list []downloaderPlugin
	for _, protocol := range p.Config.Protocols {
		d := downloaderPlugin{name: p.Name, protocols: []string{protocol}, expand: true}
		i := slices.IndexFunc(p.RuntimeConfig.ProtocolCommands, func(c protocolCommand) bool { return slices.Contains(c.Protocols, protocol) })
		if i >= 0 {
			d.command = forPlatform(p.RuntimeConfig.ProtocolCommands[i].PlatformCommand, runtime.GOOS, runtime.GOARCH)
		}
		switch {
		case p.Runtime != "subprocess":
			d.fault = fmt.Errorf("its runtime is %q, and only subprocess is run here", printable(p.Runtime))
		case len(d.command) == 0 || d.command[0] == "":
			d.fault = fmt.Errorf("it has no command for %s on %s/%s", printable(protocol), runtime.GOOS, runtime.GOARCH)
		}
		list = append(list, d)
	}
	return list
}

// forPlatform chooses as Helm 4: a command for the system and the architecture,
// else the first for the system alone, else the first for all; nil if there is none.
func forPlatform(commands []platformCommand, system, arch string) []string {
	for _, fits := range []func(c platformCommand) bool{
		func(c platformCommand) bool {
			return strings.EqualFold(c.OS, system) && strings.EqualFold(c.Arch, arch)
		},
		func(c platformCommand) bool { return strings.EqualFold(c.OS, system) && c.Arch == "" },
		func(c platformCommand) bool { return c.OS == "" && c.Arch == "" },
	} {
		if i := slices.IndexFunc(commands, fits); i >= 0 {
			return append(strings.Split(commands[i].Command, " "), commands[i].Args...)
		}
	}
	return nil
}
