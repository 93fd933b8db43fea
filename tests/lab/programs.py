PROGRAMS = ("skinapi.lab.checks.picture_decoder",)
