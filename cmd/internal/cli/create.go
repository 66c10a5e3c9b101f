package cli

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
)

const createLong = `Create a chart folder with the files and folders that charts commonly have.

NAME may be a path; its last part is the chart's name, and the folder above it
must exist. With --starter the chart is a copy of another one in which
<CHARTNAME> stands for the name.`

func newCreate(a *app) *cobra.Command {
	var starter string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "create a new chart with the given name",
		Long:  createLong,
		Args:  exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runCreate(args[0], starter)
		},
	}
	cmd.Flags().StringVarP(&starter, "starter", "p", "", "the name or absolute path to Helm starter scaffold")
	return cmd
}

func (a *app) runCreate(path, starter string) error {
	options := chart.CreateOptions{Warn: func(message string) { a.warn("WARNING: " + message) }}
	if starter != "" {
		options.Starter = a.starterPath(starter)
	}
	if err := a.print("Creating " + path + "\n"); err != nil {
		return err
	}
	_, err := chart.Create(filepath.Base(path), filepath.Dir(path), options)
	return err
}

// starterPath looks a starter up in Helm's folder of them, unless it is a path.
func (a *app) starterPath(starter string) string {
	if filepath.IsAbs(starter) {
		return starter
	}
	return filepath.Join(a.helmData(), "starters", starter)
}

// helmData is the folder in which Helm keeps its data.
func (a *app) helmData() string {
	if dir := a.env.Getenv("HELM_DATA_HOME"); dir != "" {
		return dir
	}
	if dir := a.env.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "helm")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(a.env.Getenv("APPDATA"), "helm")
	case "darwin":
		return filepath.Join(home, "Library", "helm")
	}
	return filepath.Join(home, ".local", "share", "helm")
}
