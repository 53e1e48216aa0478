"""Where is it kept? Ports, and the engines that keep their promises."""
