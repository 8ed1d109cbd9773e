/* Icons: paths of 24-pixel pictures. */

export const ICONS = {
  house: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  daemons: "M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01M12 7h4M12 17h4",
  turns: "M4 6h8M9 12h8M13 18h7",
  wakewords: "M7 15a6 6 0 1 1 10-4c0 4-4 4-4 7a2.6 2.6 0 0 1-5 1M10 11a2.5 2.5 0 0 1 5 0",
  voices: "M4 9h4l5-4v14l-5-4H4zM17 9a5 5 0 0 1 0 6M19.5 6.5a9 9 0 0 1 0 11",
  timers: "M12 8v5l3 2M12 5a8 8 0 1 0 .01 0M9 2h6",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  log: "M5 4h14v16H5zM8 8h8M8 12h8M8 16h5",
  plugins: "M9 4v4H5v12h12v-4a2 2 0 1 0 0-4V8h-4V4a2 2 0 1 0-4 0",
  keys: "M14 10a4 4 0 1 0-3.5 3.97L12 12.5h2v2h2v2h4v-3z",
  backup: "M12 4v10M8 10l4 4 4-4M4 16v4h16v-4",
  memory: "M12 4a7 7 0 0 0-4 13v3h8v-3a7 7 0 0 0-4-13M10 12h4",
  mute: "M9 6a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0zM5 11a7 7 0 0 0 14 0M12 18v3",
  muted: "M9 6a3 3 0 0 1 6 0v5a3 3 0 0 1-6 0zM5 11a7 7 0 0 0 14 0M12 18v3M4 4l16 16",
  play: "M8 5l11 7-11 7z",
  copy: "M9 9h10v11H9zM5 15V4h10",
};
