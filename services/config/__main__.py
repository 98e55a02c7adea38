from services.config.main import main
from services.config.settings import ConfigSettings
from shared.service import run

if __name__ == "__main__":
    run("config", ConfigSettings, main)
